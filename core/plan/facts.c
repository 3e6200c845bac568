/* SPDX-License-Identifier: MIT */
/* What a plan needs to know of the host. */
#include "core/plan/facts.h"
#include "core/base/util.h"
#include "core/engine.h"
#include "core/use/users.h"

#include <stdio.h>
#include <string.h>

/* A look for main: what takes rights is asked of the hand. */
struct gathering {
	struct host *host;
	int64_t deadline;
	struct uses uses;
};

static void gathering_close(struct gathering *g)
{
	uses_clear(&g->uses);
}

static int ask(void *arg, enum hand_op op, struct pci_address address, struct hand_reply *reply,
	struct holders *ret, struct core_error *err)
{
	const struct gathering *g = arg;
	struct hand_request request = {.op = op, .address = address};
	int rc = hand_call_holders(g->host->hand, &request, g->deadline, reply, ret);

	if (rc == 0)
		rc = -reply->error;
	return rc < 0 ? transaction_no_answer(err, rc, "finding out who uses the devices") : 0;
}

static void gathering_open(struct gathering *g, struct host *host, int64_t deadline)
{
	*g = (struct gathering){
		.host = host,
		.deadline = deadline,
		.uses = {.sysfs = &host->sysfs, .devices = host->devices, .look = ask, .arg = g},
	};
}

/* Whether an unbind of another tool waits for the device's user. A use count alone may be left by
 * its last driver; where an unbind waits, somebody holds the device. */
static int find_leaving(struct gathering *g, struct device_facts *f, struct core_error *err)
{
	bool has_user;

	switch (device_leaving(g->host, f->device)) {
	case LEAVING_NOT:
		return 0;
	case LEAVING_BY_COUNT:
		break;
	case LEAVING:
		f->is_pending = true;
		return 0;
	}
	if (uses_find_process(&g->uses, f, &has_user, err))
		return -1;
	f->is_pending |= has_user;
	return 0;
}

static int gather_device(
	struct gathering *g, const struct device *d, struct device_facts *f, struct core_error *err)
{
	*f = (struct device_facts){
		.device = d,
		.is_pending = hand_is_pending(g->host->lock_fd, d->address) ||
			      pending_has(g->host->pending, d->address),
	};
	f->has_origin = host_origin(g->host, d, &f->origin);
	return find_leaving(g, f, err) ? -1 : uses_gather(&g->uses, f, err);
}

static void gather_host(struct host *host, struct facts *facts)
{
	char text[8] = "";

	facts->allow = &host->allow;
	facts->deny_force = host->deny_force;
	facts->interrupts_unsafe = interrupts_read(&host->sysfs) == INTERRUPTS_UNSAFE;
	sysfs_read(host->sysfs.root_fd, "sys/module/vfio_pci/parameters/disable_denylist", text,
		sizeof(text));
	facts->has_denylist = text[0] != 'Y';
}

int facts_gather(struct host *host, struct device *const *devices, size_t n, int64_t deadline,
	struct facts *ret, struct core_error *err)
{
	CLEANUP(gathering_close) struct gathering g;
	CLEANUP(facts_cleanup)
	struct facts facts = {.devices = calloc(n + 1, sizeof(*facts.devices))};

	gathering_open(&g, host, deadline);
	if (!facts.devices)
		return core_fail_memory(err);
	gather_host(host, &facts);
	for (; facts.count < n; facts.count++) {
		struct device_facts *f = &facts.devices[facts.count];

		if (gather_device(&g, devices[facts.count], f, err)) {
			core_problems_clear(&f->uses);
			return -1;
		}
	}
	*ret = facts;
	facts = (struct facts){0};
	return 0;
}

void facts_add_holders(struct host *host, const struct device *device, int64_t deadline,
	struct core_problem *problem)
{
	CLEANUP(gathering_close) struct gathering g;
	struct device_facts f = {.device = device};

	gathering_open(&g, host, deadline);
	f.has_origin = host_origin(host, device, &f.origin);
	uses_add_holders(&g.uses, &f, problem);
}

void facts_clear(struct facts *facts)
{
	for (size_t i = 0; i < facts->count; i++)
		core_problems_clear(&facts->devices[i].uses);
	free(facts->devices);
	*facts = (struct facts){0};
}
