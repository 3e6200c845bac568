/* SPDX-License-Identifier: MIT */
/*
 * Bind and unbind: a whole request or nothing.
 *
 * The way of a change: find the devices and those an option adds; hold their groups; look again and
 * check; plan; write the intent to disk; run the steps; on failure bring every touched device back,
 * last first; end the intent together with what it made true.
 */
#include "core/host_internal.h"
#include "core/util.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What undoing may take beyond the caller's deadline, which has often passed by then. */
static const int64_t UNDO_NS = 10LL * 1000000000;

/* For a write that was given up to return after all, before its device is left to itself. */
static const int64_t SETTLE_NS = 100000000;

/* A change in progress. */
struct change {
	struct host *host;
	struct plan_request wish;
	const struct change_request *request;
	struct address_list targets;  /* the request's, then those added */
	struct device **devices;      /* of the targets, looked at under the lock */
	struct facts facts;	      /* of the devices */
	struct device_origin *before; /* of the devices that have steps */
	size_t n_before;
	uint64_t *keys; /* of the groups */
	struct keylock_hold hold;
	bool held;
	struct plan plan;
	int64_t intent;
};

static void change_close(struct change *c)
{
	if (c->held)
		keylock_release(&c->host->groups, &c->hold);
	facts_clear(&c->facts);
	device_list_free(c->devices, c->targets.count);
	address_list_clear(&c->targets);
	free(c->before);
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
		struct device *other = devices_get(c->host->devices, address);
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
	if (host_find(c->host, &request->addresses, &devices, err))
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

	if (host_find(c->host, &c->targets, &devices, err))
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
		c->keys[i] = group_key(c->host, c->targets.items[i]);
	if (keylock_acquire(
		    &c->host->groups, &c->hold, c->keys, c->targets.count, c->request->deadline))
		return core_fail(err, CORE_DEADLINE,
			"another change to the same IOMMU group is still under way; nothing was "
			"changed");
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

static bool is_bind(const struct change *c)
{
	return c->wish.goal == PLAN_TO_VFIO;
}

static const char *what_of(const struct change *c)
{
	if (is_bind(c))
		return "bind";
	return c->wish.leave_driverless ? "free" : "unbind";
}

static bool has_steps(const struct change *c, size_t i)
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

		if (!has_steps(c, i))
			continue;
		if (transaction_origin(c->host, c->devices[i], c->request->deadline, before, err))
			return -1;
		before->access = c->request->access;
		c->n_before++;
	}
	return store_begin(c->host->store, what_of(c), c->before, c->n_before, &c->intent, err);
}

/* Ends the intent; in the direction of VFIO, what is there now becomes ours to give back. */
static int end(struct change *c, struct core_error *err)
{
	CLEANUP(free_cleanup) struct pci_address *drop = NULL;
	struct store_outcome outcome = {0};

	if (is_bind(c)) {
		outcome.add = c->before;
		outcome.n_add = c->n_before;
	} else {
		if (!(drop = calloc(c->n_before, sizeof(*drop))))
			return core_fail_memory(err);
		for (size_t i = 0; i < c->n_before; i++)
			drop[i] = c->before[i].address;
		outcome.drop = drop;
		outcome.n_drop = c->n_before;
	}
	if (store_end(c->host->store, c->intent, &outcome, err))
		return -1;
	return origins_reload(c->host->origins, err);
}

static bool was_touched(const struct plan *plan, size_t done, struct pci_address address)
{
	for (size_t i = 0; i < done; i++) {
		if (pci_address_equal(plan->steps[i].address, address))
			return true;
	}
	return false;
}

/* What became of the devices that a failed change had touched. */
struct undone {
	struct device_origin *left; /* a write to them has not returned */
	size_t n_left;
	struct device_origin *stuck; /* they could not be brought back */
	size_t n_stuck;
};

static void undone_clear(struct undone *u)
{
	free(u->left);
	free(u->stuck);
}

/* Brings one device back, or says why not. -1 when the hand is gone, and with it all undoing. */
static int undo_device(struct change *c, const struct device_origin *before, int64_t deadline,
	struct undone *u, struct core_error *err)
{
	CLEANUP(core_error_clear) struct core_error failed = CORE_ERROR_INIT;

	if (!transaction_settled(c->host, before->address, now_ns() + SETTLE_NS)) {
		u->left[u->n_left++] = *before;
		return 0;
	}
	if (transaction_restore(c->host, before, deadline, &failed) == 0)
		return 0;
	if (failed.code == CORE_UNAVAILABLE)
		return -1;
	if (failed.code == CORE_DEADLINE) {
		u->left[u->n_left++] = *before;
		for (size_t i = 0; i < failed.problems.count; i++)
			core_problem_copy(&err->problems, &failed.problems.items[i]);
		return 0;
	}
	u->stuck[u->n_stuck++] = *before;
	core_problem_add_device(&err->problems, before->address, REASON_UNDO_FAILED,
		"bring the device back by hand, or bind it again and then unbind it", "undo: %s",
		failed.message);
	return 0;
}

/* Says at the end of the error's sentence what became of the rest. */
static void conclude(const struct change *c, const struct undone *u, struct core_error *err)
{
	char message[sizeof(err->message)];
	const char *end = "nothing was changed";

	if (u->n_stuck > 0)
		end = "not everything could be undone, see details";
	else if (u->n_left > 0)
		end = c->n_before == 1
			      ? "the device is UNBIND_PENDING, and vfiod finishes the change then"
			      : "the other devices are as they were; this one is UNBIND_PENDING, "
				"and vfiod brings it back then";
	memcpy(message, err->message, sizeof(message));
	snprintf(err->message, sizeof(err->message), "%.360s (%s)", message, end);
}

/* Ends the intent of what was undone. A device that could not be brought back and is on a VFIO
 * driver now keeps its record; one with a write under way keeps the intent. */
static void end_undone(struct change *c, const struct undone *u)
{
	CLEANUP(core_error_clear) struct core_error ignored = CORE_ERROR_INIT;
	char what[24];
	struct store_outcome outcome = {.left = u->left, .n_left = u->n_left, .left_what = what};

	pending_name(what, what_of(c), c->n_before);
	if (is_bind(c)) {
		outcome.add = u->stuck;
		outcome.n_add = u->n_stuck;
	}
	if (store_end(c->host->store, c->intent, &outcome, &ignored))
		return; /* the next start finds it */
	origins_reload(c->host->origins, &ignored);
	if (u->n_left > 0)
		pending_add(c->host->pending, c->intent, what, u->left, u->n_left);
}

/* Brings every touched device back, last first. */
static void undo(struct change *c, size_t done, struct core_error *err)
{
	int64_t deadline = now_ns() + UNDO_NS;
	CLEANUP(undone_clear)
	struct undone u = {
		.left = calloc(c->n_before, sizeof(*u.left)),
		.stuck = calloc(c->n_before, sizeof(*u.stuck)),
	};

	/* Without the hand, or memory, there is no undoing: the next start does it. */
	if (err->code == CORE_UNAVAILABLE || !u.left || !u.stuck)
		return;
	for (size_t i = c->n_before; i-- > 0;) {
		if (was_touched(&c->plan, done, c->before[i].address) &&
			undo_device(c, &c->before[i], deadline, &u, err))
			return;
	}
	end_undone(c, &u);
	conclude(c, &u, err);
}

/* Sets the nodes of the devices that have steps, or of those that have none. */
static int set_nodes(struct change *c, bool with_steps, struct core_error *err)
{
	if (!is_bind(c) || !node_access_any(&c->request->access))
		return 0;
	for (size_t i = 0; i < c->targets.count; i++) {
		if (has_steps(c, i) == with_steps &&
			node_keeper_set(c->host, c->targets.items[i], &c->request->access,
				c->request->deadline, err))
			return -1;
	}
	return 0;
}

static int execute(struct change *c, struct core_error *err)
{
	struct transaction_guard guard = {.request = &c->wish};
	size_t done = 0;

	if (is_bind(c) && vfio_driver_ready(c->host, VFIO_DRIVER, c->request->deadline, err))
		return -1;
	if (begin(c, err))
		return -1;
	guard.records = c->before;
	guard.n_records = c->n_before;
	if (transaction_run(c->host, &c->plan, c->request->deadline, &guard, &done, err) == 0 &&
		set_nodes(c, true, err) == 0 && end(c, err) == 0)
		return 0;
	undo(c, done, err);
	return -1;
}

/* Unbinding what another tool gave to a native driver ends its record: that is where it belongs
 * now. One without a driver keeps it, for the bind after which it is given back. */
static int forget_stale(struct change *c, struct core_error *err)
{
	CLEANUP(free_cleanup)
	struct pci_address *drop = calloc(c->targets.count, sizeof(*drop));
	struct store_outcome outcome = {.drop = drop};

	if (!drop)
		return core_fail_memory(err);
	for (size_t i = 0; i < c->targets.count; i++) {
		const struct device_facts *f = &c->facts.devices[i];
		if (f->has_origin && !f->is_vfio && f->device->driver[0])
			drop[outcome.n_drop++] = c->targets.items[i];
	}
	if (outcome.n_drop == 0)
		return 0;
	if (store_end(c->host->store, 0, &outcome, err))
		return -1;
	return origins_reload(c->host->origins, err);
}

/* A device that is ours already may be given other nodes. */
static int change_nodes(struct change *c, struct core_error *err)
{
	CLEANUP(free_cleanup)
	struct device_origin *records = calloc(c->targets.count, sizeof(*records));
	struct store_outcome outcome = {.add = records};

	if (!records)
		return core_fail_memory(err);
	if (set_nodes(c, false, err))
		return -1;
	for (size_t i = 0; i < c->targets.count; i++) {
		if (!has_steps(c, i) && c->facts.devices[i].has_origin) {
			records[outcome.n_add] = c->facts.devices[i].origin;
			records[outcome.n_add++].access = c->request->access;
		}
	}
	if (outcome.n_add == 0)
		return 0;
	if (store_end(c->host->store, 0, &outcome, err))
		return -1;
	return origins_reload(c->host->origins, err);
}

/* Where the device is now, and where it came from: on a VFIO driver the record tells, otherwise it
 * is where it belongs. */
static int fill_device(
	struct change *c, size_t i, struct change_device *ret, struct core_error *err)
{
	struct device_origin origin;
	const char *driver;

	ret->requested = i < c->request->addresses.count;
	ret->device = devices_get(c->host->devices, c->targets.items[i]);
	if (!ret->device)
		return core_fail(err, CORE_ABORTED, "device %s left while it was being changed",
			c->devices[i]->text);
	bool vfio = device_is_vfio(c->host->devices, ret->device);
	bool on_its_way = is_bind(c) && !ret->device->driver[0];
	if ((vfio || on_its_way) && host_origin(c->host, ret->device, &origin))
		memcpy(ret->original_driver, origin.driver, sizeof(origin.driver));
	else if (!vfio)
		memcpy(ret->original_driver, ret->device->driver, sizeof(ret->original_driver));
	if (!c->request->dry_run || !has_steps(c, i))
		driver = ret->device->driver;
	else if (is_bind(c))
		driver = VFIO_DRIVER;
	else
		driver = c->wish.leave_driverless ? "" : ret->original_driver;
	snprintf(ret->driver, sizeof(ret->driver), "%s", driver);
	return 0;
}

static int fill_result(struct change *c, struct change_result *result, struct core_error *err)
{
	if (!(result->devices = calloc(c->targets.count, sizeof(*result->devices))))
		return core_fail_memory(err);
	result->n_devices = c->targets.count;
	for (size_t i = 0; i < c->targets.count; i++) {
		if (fill_device(c, i, &result->devices[i], err))
			return -1;
	}
	result->plan = c->plan;
	c->plan = (struct plan){0};
	if (!is_bind(c))
		return 0;
	return host_groups(
		c->host, c->devices, c->targets.count, &result->groups, &result->n_groups, err);
}

static int run_change(struct host *host, enum plan_goal goal, const struct change_request *request,
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

	if (collect_targets(&c, err) || hold_groups(&c, err) || make_plan(&c, err))
		return -1;
	if (c.plan.count > 0 && !request->dry_run && execute(&c, err))
		return -1;
	if (goal == PLAN_TO_VFIO && node_access_any(&request->access) && !request->dry_run &&
		change_nodes(&c, err))
		return -1;
	if (goal == PLAN_TO_ORIGIN && !request->dry_run && forget_stale(&c, err))
		return -1;
	if (fill_result(&c, &result, err))
		return -1;
	*ret = result;
	result = (struct change_result){0};
	return 0;
}

int host_bind(struct host *host, const struct change_request *request, struct change_result *ret,
	struct core_error *err)
{
	return run_change(host, PLAN_TO_VFIO, request, ret, err);
}

int host_unbind(struct host *host, const struct change_request *request, struct change_result *ret,
	struct core_error *err)
{
	return run_change(host, PLAN_TO_ORIGIN, request, ret, err);
}

void change_result_clear(struct change_result *result)
{
	for (size_t i = 0; i < result->n_devices; i++)
		device_unref(result->devices[i].device);
	free(result->devices);
	plan_clear(&result->plan);
	group_list_free(result->groups, result->n_groups);
	*result = (struct change_result){0};
}
