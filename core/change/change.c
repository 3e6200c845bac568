/* SPDX-License-Identifier: MIT */
/*
 * Bind and unbind: a whole request or nothing.
 *
 * The way of a change: find the devices and those an option adds; hold their groups; look again and
 * check; plan; write the intent to disk; run the steps; on failure bring every touched device back,
 * last first; end the intent together with what it made true.
 */
#include "core/change/change.h"

#include "core/base/array.h"
#include "core/base/util.h"
#include "core/change/failure.h"
#include "core/change/lifecycle.h"
#include "core/change/result.h"
#include "core/change/step.h"
#include "core/change/vfio_driver.h"
#include "core/engine.h"
#include "core/helper/blocked.h"
#include "core/helper/checks.h"
#include "core/inspect/gather.h"
#include "core/pci/group.h"
#include "core/plan/obstacle.h"
#include "core/record/records.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void change_close(struct change *c)
{
	if (c->held)
		keylock_release(&c->host->groups, &c->hold);
	facts_clear(&c->facts);
	device_list_free(c->devices, c->targets.count);
	address_list_clear(&c->targets);
	free(c->intent);
	free(c->nodes);
	free(c->keys);
	plan_clear(&c->plan);
}

static int change_add_target(struct change *c, struct pci_address address)
{
	for (size_t i = 0; i < c->targets.count; i++) {
		if (pci_address_equal(c->targets.items[i], address))
			return 0;
	}
	struct pci_address *added = ARRAY_ADD(c->targets.items, c->targets.count);
	if (!added)
		return -1;
	*added = address;
	return 0;
}

/* Adds the other endpoints of the device's group. */
static int change_add_group(struct change *c, const struct device *device, struct core_error *err)
{
	CLEANUP(group_cleanup) struct iommu_group *group = NULL;

	if (device->group < 0)
		return 0; /* refused later, with its own sentence */
	if (group_get(c->host->devices, &c->host->sysfs, device->group, &group, err))
		return -1;
	for (size_t i = 0; i < group->count; i++) {
		const struct device *member = group->members[i].device;
		if (!member->is_bridge && change_add_target(c, member->address))
			return core_fail_memory(err);
	}
	return 0;
}

/* Adds the other functions of the device's card. A virtual function is alone: those at its number
 * are its siblings, each somebody else's. So may the virtual functions be that a physical function
 * has at its own number. */
static int change_add_functions(
	struct change *c, const struct device *device, struct core_error *err)
{
	struct pci_address address = device->address;

	if (device->is_virtual)
		return 0;
	for (address.function = 0; address.function < 8; address.function++) {
		CLEANUP(device_cleanup)
		struct device *other = devices_get_or_null(c->host->devices, address);
		if (other && !other->is_bridge && !other->is_virtual &&
			change_add_target(c, address))
			return core_fail_memory(err);
	}
	return 0;
}

static int change_collect_targets(struct change *c, struct core_error *err)
{
	const struct change_request *request = c->request;
	struct device **devices;
	int result = 0;

	for (size_t i = 0; i < request->addresses.count; i++) {
		if (change_add_target(c, request->addresses.items[i]))
			return core_fail_memory(err);
	}
	if (!request->whole_group && !request->all_functions)
		return 0;
	if (devices_find(c->host->devices, &request->addresses, &devices, err))
		return -1;
	for (size_t i = 0; result == 0 && i < request->addresses.count; i++) {
		if (request->all_functions)
			result = change_add_functions(c, devices[i], err);
		if (result == 0 && request->whole_group)
			result = change_add_group(c, devices[i], err);
	}
	device_list_free(devices, request->addresses.count);
	return result;
}

/* Looks the targets up, as they are now. */
static int change_find_devices(struct change *c, struct core_error *err)
{
	struct device **devices;

	if (devices_find(c->host->devices, &c->targets, &devices, err))
		return -1;
	device_list_free(c->devices, c->targets.count);
	c->devices = devices;
	return 0;
}

/* Holds the devices' groups, so that two requests never change one group at a time; a device
 * without a group is its own. */
static int change_hold_groups(struct change *c, struct core_error *err)
{
	if (change_find_devices(c, err))
		return -1;
	if (!(c->keys = calloc(c->targets.count, sizeof(*c->keys))))
		return core_fail_memory(err);
	for (size_t i = 0; i < c->targets.count; i++)
		c->keys[i] = group_key(c->host->devices, c->targets.items[i]);
	if (keylock_acquire(
		    &c->host->groups, &c->hold, c->keys, c->targets.count, c->request->deadline))
		return core_fail(err, CORE_DEADLINE,
			"another change to the same IOMMU group is still under way; nothing was changed");
	c->held = true;
	/* Waiting may have taken a while: look again. */
	return change_find_devices(c, err);
}

/* Whoever asks for whole groups wants to use them, which a member bars that nobody can bind. A
 * group that is gone is refused elsewhere. */
static int change_judge_groups(
	const struct change *c, struct core_problems *refusals, struct core_error *err)
{
	struct iommu_group **groups = NULL;
	size_t n = 0;

	if (!change_is_bind(c) || !c->request->whole_group)
		return 0;
	for (size_t i = 0; i < c->targets.count; i++) {
		if (c->devices[i]->group < 0)
			return 0;
	}
	if (groups_find(c->host->devices, &c->host->sysfs, c->devices, c->targets.count, &groups,
		    &n, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		obstacles_judge(groups[i], refusals);
	group_list_free(groups, n);
	return 0;
}

/* Every reason why not, or the steps. */
static int change_make_plan(struct change *c, struct core_error *err)
{
	CLEANUP(core_problems_clear) struct core_problems refusals = {0};

	if (facts_gather(
		    c->host, c->devices, c->targets.count, 0, c->request->deadline, &c->facts, err))
		return -1;
	for (size_t i = 0; i < c->targets.count; i++)
		c->facts.devices[i].is_asked = i < c->request->addresses.count;
	if (plan_make(&c->wish, &c->facts, &c->plan, &refusals))
		return core_fail_memory(err);
	if (change_judge_groups(c, &refusals, err))
		return -1;
	return core_problems_any(&refusals) ? core_fail_problems(err, &refusals) : 0;
}

/* Whether the i-th target has a record of ours although another tool has given it to a native
 * driver. An unbind ends that record: the device is where it belongs. A device without a driver
 * keeps its record, which a later bind and unbind need. */
static bool change_is_stale(const struct change *c, size_t i)
{
	const struct device_facts *f = &c->facts.devices[i];
	struct device_origin record;

	return !f->use.is_vfio && f->use.device->driver[0] &&
	       origins_recall(c->host->origins, f->use.device, &record);
}

/* The records that a change is to leave. */
struct ending {
	const struct change *change;
	struct store_outcome outcome;
};

static void ending_clear(struct ending *e)
{
	store_outcome_clear(&e->outcome);
}

/* The record, with the wish of this change. */
static int ending_add(struct ending *e, const struct device_origin *origin)
{
	struct device_origin wished = *origin;

	wished.access = e->change->request->access;
	return store_outcome_add(&e->outcome, &wished, false);
}

/* Whether the device is none of the targets, but in the group of one. */
static bool change_is_sibling(const struct change *c, const struct device *d)
{
	bool sibling = false;

	for (size_t i = 0; i < c->targets.count; i++) {
		if (pci_address_equal(c->targets.items[i], d->address))
			return false;
		sibling |= d->group >= 0 && c->devices[i]->group == d->group;
	}
	return sibling;
}

static int ending_add_sibling(void *arg, const struct device_origin *origin)
{
	struct ending *e = arg;
	struct host *host = e->change->host;
	CLEANUP(device_cleanup)
	struct device *d = devices_get_or_null(host->devices, origin->address);

	return d && change_is_sibling(e->change, d) &&
			       origins_standing(host->origins, origin, d) == RECORD_HOLDS
		       ? ending_add(e, origin)
		       : 0;
}

/* What is there now becomes ours to give back, with the nodes that were asked for. So do those of
 * the devices that are bound already and ours, and of those that share their nodes: a group has
 * one, and two wishes for it would undo each other again and again. */
static int ending_add_bound(struct ending *e)
{
	const struct change *c = e->change;

	for (size_t i = 0; i < c->intent->n_devices; i++) {
		if (ending_add(e, &c->intent->before[i]))
			return -1;
	}
	if (!node_access_any(&c->request->access))
		return 0;
	for (size_t i = 0; i < c->targets.count; i++) {
		const struct device_facts *f = &c->facts.devices[i];

		if (!change_has_steps(c, i) && f->has_origin && ending_add(e, &f->origin))
			return -1;
	}
	return origins_each(c->host->origins, ending_add_sibling, e);
}

static int ending_drop_unbound(struct ending *e)
{
	const struct change *c = e->change;

	for (size_t i = 0; i < c->targets.count; i++) {
		const struct device_origin record = {.address = c->targets.items[i]};

		if ((change_has_steps(c, i) || change_is_stale(c, i)) &&
			store_outcome_add(&e->outcome, &record, true))
			return -1;
	}
	return 0;
}

/* Ends the intent and writes what the change made true. 0, or -1 with err: the caller then rolls
 * the change back. */
static int change_end(struct change *c, struct core_error *err)
{
	CLEANUP(ending_clear) struct ending e = {.change = c};

	if (change_is_bind(c) ? ending_add_bound(&e) : ending_drop_unbound(&e))
		return core_fail_memory(err);
	lifecycle_turn(c->intent, CHANGE_DONE);
	return lifecycle_write(c->host, c->intent, &e.outcome, err);
}

static enum intent_kind change_kind(const struct change *c)
{
	if (change_is_bind(c))
		return CHANGE_BIND;
	return c->wish.leave_driverless ? CHANGE_LEAVE_DRIVERLESS : CHANGE_UNBIND;
}

/* Writes down, synced, what is about to change. */
static int change_begin(struct change *c, struct core_error *err)
{
	if (change_is_bind(c) && vfio_driver_ready(c->host, VFIO_DRIVER, c->request->deadline, err))
		return -1;
	for (size_t i = 0; i < c->targets.count; i++) {
		struct device_origin *before = &c->intent->before[c->intent->n_devices];

		if (!change_has_steps(c, i))
			continue;
		if (step_read_origin(c->host, c->devices[i], c->request->deadline, before, err))
			return -1;
		before->access = c->request->access;
		c->intent->n_devices++;
	}
	return store_begin(c->host->store, c->intent, err);
}

static int change_execute(struct change *c, struct core_error *err)
{
	size_t n_begun = 0;

	if (!(c->intent = intent_new(change_kind(c), c->targets.count)))
		return core_fail_memory(err);
	if (c->plan.count > 0 && change_begin(c, err))
		return -1;
	const struct step_guard guard = {.request = &c->wish, .intent = c->intent, .shows = true};
	int result = step_run(c->host, &c->plan, c->request->deadline, &guard, &n_begun, err);
	if (result == 0)
		result = change_set_nodes(c, err);
	if (result == 0)
		result = change_end(c, err);
	if (result)
		change_fail(c, n_begun, err);
	for (size_t i = 0; i < c->targets.count; i++)
		blocked_end(c->host->blocked, c->targets.items[i]);
	return result;
}

/* Whether there is anything to do but to answer. */
static bool change_has_work(const struct change *c)
{
	bool stale = false;

	if (c->request->dry_run)
		return false;
	for (size_t i = 0; i < c->targets.count; i++)
		stale |= change_is_stale(c, i);
	return c->plan.count > 0 ||
	       (change_is_bind(c) ? node_access_any(&c->request->access) : stale);
}

int change_run(struct host *host, enum plan_goal goal, const struct change_request *request,
	struct change_result *ret, struct core_error *err)
{
	CLEANUP(change_close)
	struct change c = {
		.host = host,
		.request = request,
		.wish = {.goal = goal,
			.vfio_driver = VFIO_DRIVER,
			.force = request->force,
			.leave_driverless = request->leave_driverless},
	};
	CLEANUP(change_result_clear) struct change_result result = {0};
	const char *why = helper_node_refusal(&host->client, &request->access);

	if (why)
		return core_fail(err, CORE_INVALID, "the VFIO nodes cannot be given so: %s", why);
	if (change_collect_targets(&c, err) || change_hold_groups(&c, err) ||
		change_make_plan(&c, err))
		return -1;
	if (change_has_work(&c) && change_execute(&c, err))
		return -1;
	if (change_fill_result(&c, &result, err))
		return -1;
	*ret = result;
	result = (struct change_result){0};
	return 0;
}
