/* SPDX-License-Identifier: MIT */
/* What keeps groups from being viable, and what would help. */
#include "core/host.h"

#include "core/base/util.h"
#include "core/engine.h"
#include "core/inspect/gather.h"

#include <errno.h>
#include <stdio.h>

/* Whether binding the member could help. */
static bool is_endpoint(const struct group_member *m)
{
	return m->blocks && !m->device->is_bridge;
}

/* The endpoints among the blocking members, in order, borrowed. Returns how many there are. */
static size_t collect_endpoints(
	struct iommu_group *const *groups, size_t n_groups, struct device **ret)
{
	size_t n = 0;

	for (size_t g = 0; g < n_groups; g++) {
		for (size_t i = 0; i < groups[g]->count; i++) {
			if (is_endpoint(&groups[g]->members[i]))
				ret[n++] = groups[g]->members[i].device;
		}
	}
	return n;
}

static void describe_members(const struct iommu_group *group, const struct facts *facts,
	size_t *next_fact, struct group_blocker *list, size_t *n)
{
	const struct plan_request request = {.goal = PLAN_TO_VFIO};

	for (size_t i = 0; i < group->count; i++) {
		const struct group_member *m = &group->members[i];
		CLEANUP(core_problems_clear) struct core_problems refusals = {0};

		if (!m->blocks)
			continue;
		list[*n] = (struct group_blocker){
			.group = group->id, .name = m->device->text, .driver = m->device->driver};
		if (is_endpoint(m) && *next_fact < facts->count)
			plan_judge(&request, facts, &facts->devices[(*next_fact)++], &refusals);
		obstacle_describe(group, m, &refusals, list[(*n)++].reason);
	}
}

static void describe_strangers(
	const struct iommu_group *group, struct group_blocker *list, size_t *n)
{
	for (size_t i = 0; i < group->n_strangers; i++) {
		const struct group_stranger *s = &group->strangers[i];

		if (!s->blocks)
			continue;
		list[*n] = (struct group_blocker){
			.group = group->id, .name = s->name, .driver = s->driver};
		obstacle_describe_stranger(group, s, list[(*n)++].reason);
	}
}

int host_blockers(struct host *host, struct iommu_group *const *groups, size_t n_groups,
	struct group_blocker **ret, size_t *ret_n)
{
	CLEANUP(core_error_clear) struct core_error ignored = CORE_ERROR_INIT;
	CLEANUP(facts_clear) struct facts facts = {0};
	size_t room = 1, next_fact = 0, n = 0;

	for (size_t g = 0; g < n_groups; g++)
		room += groups[g]->viable ? 0 : groups[g]->count + groups[g]->n_strangers;
	CLEANUP(free_cleanup) struct group_blocker *list = calloc(room, sizeof(*list));
	CLEANUP(free_cleanup) struct device **endpoints = calloc(room, sizeof(*endpoints));
	if (!list || !endpoints)
		return -ENOMEM;
	size_t n_endpoints = collect_endpoints(groups, n_groups, endpoints);
	/* Without the facts, the advice leaves out guards; the request that follows it is refused.
	 */
	if (n_endpoints > 0)
		facts_glance(host, endpoints, n_endpoints, &facts, &ignored);
	for (size_t g = 0; g < n_groups; g++) {
		describe_members(groups[g], &facts, &next_fact, list, &n);
		describe_strangers(groups[g], list, &n);
	}
	*ret = STEAL(list);
	*ret_n = n;
	return 0;
}
