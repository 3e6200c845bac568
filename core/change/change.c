/* SPDX-License-Identifier: MIT */
/*
 * Bind and unbind: a whole request or nothing.
 *
 * The way of a change: find the devices and those an option adds; hold their groups; look again and
 * check; plan; write the intent to disk; run the steps; on failure bring every touched device back,
 * last first; end the intent together with what it made true.
 */
#include "core/change/change.h"

#include "core/base/util.h"
#include "core/change/end.h"
#include "core/change/node_keeper.h"
#include "core/change/pending.h"
#include "core/change/result.h"
#include "core/change/step.h"
#include "core/change/undo.h"
#include "core/change/vfio_driver.h"
#include "core/engine.h"
#include "core/helper/checks.h"
#include "core/inspect/gather.h"
#include "core/pci/group.h"
#include "core/record/store.h"

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
	free(c->before);
	free(c->nodes);
	free(c->keys);
	plan_clear(&c->plan);
}

static int add_target(struct change *c, struct pci_address address)
{
	for (size_t i = 0; i < c->targets.count; i++) {
		if (pci_address_equal(c->targets.items[i], address))
			return 0;
	}
	struct pci_address *items =
		reallocarray(c->targets.items, c->targets.count + 1, sizeof(*items));
	if (!items)
		return -1;
	c->targets.items = items;
	items[c->targets.count++] = address;
	return 0;
}

/* Adds the other endpoints of the device's group. */
static int add_group(struct change *c, const struct device *device, struct core_error *err)
{
	CLEANUP(group_cleanup) struct iommu_group *group = NULL;

	if (device->group < 0)
		return 0; /* refused later, with its own sentence */
	if (group_get(c->host->devices, &c->host->sysfs, device->group, &group, err))
		return -1;
	for (size_t i = 0; i < group->count; i++) {
		const struct device *member = group->members[i].device;
		if (!member->is_bridge && add_target(c, member->address))
			return core_fail_memory(err);
	}
	return 0;
}

/* Adds the other functions of the device's card. */
static int add_functions(struct change *c, const struct device *device, struct core_error *err)
{
	struct pci_address address = device->address;

	for (address.function = 0; address.function < 8; address.function++) {
		CLEANUP(device_cleanup)
		struct device *other = devices_get_or_null(c->host->devices, address);
		if (other && !other->is_bridge && add_target(c, address))
			return core_fail_memory(err);
	}
	return 0;
}

static int collect_targets(struct change *c, struct core_error *err)
{
	const struct change_request *request = c->request;
	struct device **devices;
	int result = 0;

	for (size_t i = 0; i < request->addresses.count; i++) {
		if (add_target(c, request->addresses.items[i]))
			return core_fail_memory(err);
	}
	if (!request->whole_group && !request->all_functions)
		return 0;
	if (devices_find(c->host->devices, &request->addresses, &devices, err))
		return -1;
	for (size_t i = 0; result == 0 && i < request->addresses.count; i++) {
		if (request->all_functions)
			result = add_functions(c, devices[i], err);
		if (result == 0 && request->whole_group)
			result = add_group(c, devices[i], err);
	}
	device_list_free(devices, request->addresses.count);
	return result;
}

/* Looks the targets up, as they are now. */
static int find_devices(struct change *c, struct core_error *err)
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
static int hold_groups(struct change *c, struct core_error *err)
{
	if (find_devices(c, err))
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
	return find_devices(c, err);
}

/* Every reason why not, or the steps. */
static int make_plan(struct change *c, struct core_error *err)
{
	CLEANUP(core_problems_clear) struct core_problems refusals = {0};

	if (facts_gather(
		    c->host, c->devices, c->targets.count, c->request->deadline, &c->facts, err))
		return -1;
	if (plan_make(&c->wish, &c->facts, &c->plan, &refusals))
		return core_fail_memory(err);
	return core_problems_any(&refusals) ? core_fail_problems(err, &refusals) : 0;
}

bool change_is_bind(const struct change *c)
{
	return c->wish.goal == PLAN_TO_VFIO;
}

const char *change_what(const struct change *c)
{
	if (change_is_bind(c))
		return "bind";
	return c->wish.leave_driverless ? "free" : "unbind";
}

bool change_has_steps(const struct change *c, size_t i)
{
	return plan_needs(&c->wish, &c->facts.devices[i]);
}

/* Writes down, synced, what is about to change. */
static int begin(struct change *c, struct core_error *err)
{
	if (!(c->before = calloc(c->targets.count, sizeof(*c->before))))
		return core_fail_memory(err);
	for (size_t i = 0; i < c->targets.count; i++) {
		struct device_origin *before = &c->before[c->n_before];

		if (!change_has_steps(c, i))
			continue;
		if (transaction_origin(c->host, c->devices[i], c->request->deadline, before, err))
			return -1;
		before->access = c->request->access;
		c->n_before++;
	}
	return store_begin(c->host->store, change_what(c), c->before, c->n_before, &c->intent, err);
}

static int execute(struct change *c, struct core_error *err)
{
	struct transaction_guard guard = {.request = &c->wish};
	size_t n_begun = 0;

	if (c->plan.count > 0) {
		if (change_is_bind(c) &&
			vfio_driver_ready(c->host, VFIO_DRIVER, c->request->deadline, err))
			return -1;
		if (begin(c, err))
			return -1;
	}
	guard.records = c->before;
	guard.n_records = c->n_before;
	if (transaction_run(c->host, &c->plan, c->request->deadline, &guard, &n_begun, err) == 0 &&
		change_set_nodes(c, err) == 0 && change_end(c, err) == 0)
		return 0;
	change_undo(c, n_begun, err);
	return -1;
}

/* Whether there is anything to do but to answer. */
static bool has_work(const struct change *c)
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
	if (collect_targets(&c, err) || hold_groups(&c, err) || make_plan(&c, err))
		return -1;
	if (has_work(&c) && execute(&c, err))
		return -1;
	if (change_fill_result(&c, &result, err))
		return -1;
	*ret = result;
	result = (struct change_result){0};
	return 0;
}
