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

enum direction { TO_VFIO, TO_ORIGIN };

static const char VFIO_DRIVER[] = "vfio-pci";

/* A change in progress. */
struct change {
	struct host *host;
	enum direction direction;
	const struct change_request *request;
	struct address_list targets;   /* the request's, then those added */
	struct device **devices;       /* of the targets, looked at under the lock */
	struct device_origin *before;  /* of the devices that have steps */
	struct device_origin *origins; /* of the same, what to record: where they belong */
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
	device_list_free(c->devices, c->targets.count);
	address_list_clear(&c->targets);
	free(c->before);
	free(c->origins);
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
	const uint64_t LONE = 1ull << 63;

	if (find_devices(c, err))
		return -1;
	if (!(c->keys = calloc(c->targets.count, sizeof(*c->keys))))
		return core_fail_memory(err);
	for (size_t i = 0; i < c->targets.count; i++) {
		const struct device *d = c->devices[i];
		c->keys[i] =
			d->group >= 0 ? (uint64_t)d->group : LONE | pci_address_key(d->address);
	}
	if (keylock_acquire(
		    &c->host->groups, &c->hold, c->keys, c->targets.count, c->request->deadline))
		return core_fail(err, CORE_DEADLINE,
			"another change to the same IOMMU group is still under way; nothing was "
			"changed");
	c->held = true;
	/* Waiting may have taken a while: look again. */
	return find_devices(c, err);
}

static int check_all(struct change *c, struct core_error *err)
{
	CLEANUP(check_close) struct check check = {.force = c->request->force};
	CLEANUP(core_problems_clear) struct core_problems problems = {0};

	if (check_open(&check, c->host, c->devices, c->targets.count, c->request->deadline, err))
		return -1;
	for (size_t i = 0; i < c->targets.count; i++) {
		if (c->direction == TO_VFIO)
			check_bind(&check, c->devices[i], &problems);
		else
			check_unbind(&check, c->devices[i], &problems);
	}
	return problems.count > 0 ? core_fail_problems(err, &problems) : 0;
}

static bool needs_steps(const struct change *c, const struct device *device)
{
	return device_is_vfio(c->host->devices, device) == (c->direction == TO_ORIGIN);
}

static int plan_device(struct change *c, const struct device *d)
{
	struct device_origin origin;

	if (c->direction == TO_VFIO)
		return plan_to_vfio(&c->plan, d->address, d->driver, VFIO_DRIVER);
	if (host_origin(c->host, d, &origin))
		return plan_to_origin(&c->plan, d->driver, &origin);
	return plan_to_native(&c->plan, d->address, d->driver);
}

static int plan_all(struct change *c, struct core_error *err)
{
	for (size_t i = 0; i < c->targets.count; i++) {
		if (needs_steps(c, c->devices[i]) && plan_device(c, c->devices[i]))
			return core_fail_memory(err);
	}
	return 0;
}

/* Finds out how the device is and where it belongs. That is the same, unless it has no driver and
 * is on record: an earlier change of ours was given up half way, or another tool took it off. */
static int look_before(struct change *c, const struct device *d, struct core_error *err)
{
	struct device_origin *before = &c->before[c->n_before], *origin = &c->origins[c->n_before];

	if (transaction_origin(c->host, d, c->request->deadline, before, err))
		return -1;
	if (d->driver[0] || !host_origin(c->host, d, origin))
		*origin = *before;
	c->n_before++;
	return 0;
}

/* Writes down, synced, what is about to change. */
static int begin(struct change *c, struct core_error *err)
{
	const char *what = c->direction == TO_VFIO ? "bind" : "unbind";

	c->before = calloc(c->targets.count, sizeof(*c->before));
	c->origins = calloc(c->targets.count, sizeof(*c->origins));
	if (!c->before || !c->origins)
		return core_fail_memory(err);
	for (size_t i = 0; i < c->targets.count; i++) {
		if (needs_steps(c, c->devices[i]) && look_before(c, c->devices[i], err))
			return -1;
	}
	return store_begin(c->host->store, what, c->before, c->n_before, &c->intent, err);
}

/* Ends the intent; in the direction of VFIO, what was there becomes ours to give back. */
static int end(struct change *c, struct core_error *err)
{
	CLEANUP(free_cleanup) struct pci_address *drop = NULL;
	bool to_vfio = c->direction == TO_VFIO;

	if (!to_vfio) {
		if (!(drop = calloc(c->n_before, sizeof(*drop))))
			return core_fail_memory(err);
		for (size_t i = 0; i < c->n_before; i++)
			drop[i] = c->before[i].address;
	}
	if (store_end(c->host->store, c->intent, c->origins, to_vfio ? c->n_before : 0, drop,
		    to_vfio ? 0 : c->n_before, err))
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

/* Brings every touched device back, last first. What cannot be brought back is added to the error's
 * problems; such a device, when it is on a VFIO driver now, keeps its record. */
static void undo(struct change *c, size_t done, struct core_error *err)
{
	int64_t deadline = now_ns() + UNDO_NS;
	size_t n_stuck = 0;
	char message[sizeof(err->message)];

	if (err->code == CORE_UNAVAILABLE)
		return; /* without the hand there is no undoing: the next start does it */
	for (size_t i = c->n_before; i-- > 0;) {
		CLEANUP(core_error_clear) struct core_error failed = CORE_ERROR_INIT;

		if (!was_touched(&c->plan, done, c->before[i].address) ||
			transaction_restore(c->host, &c->before[i], deadline, &failed) == 0)
			continue;
		if (failed.code == CORE_UNAVAILABLE)
			return; /* the hand died meanwhile: likewise */
		core_problem_add_device(&err->problems, c->before[i].address, REASON_UNDO_FAILED,
			"bring the device back by hand, or by a later unbind", "undo: %s",
			failed.message);
		/* At the end, where every device has had its turn already. */
		c->origins[c->n_before - ++n_stuck] = c->origins[i];
	}
	CLEANUP(core_error_clear) struct core_error ignored = CORE_ERROR_INIT;
	bool keep = c->direction == TO_VFIO;
	if (store_end(c->host->store, c->intent, c->origins + c->n_before - n_stuck,
		    keep ? n_stuck : 0, NULL, 0, &ignored) == 0)
		origins_reload(c->host->origins, &ignored);
	memcpy(message, err->message, sizeof(message));
	snprintf(err->message, sizeof(err->message), "%.400s (%s)", message,
		n_stuck ? "not everything could be undone, see details" : "nothing was changed");
}

static int execute(struct change *c, struct core_error *err)
{
	size_t done = 0;

	if (c->direction == TO_VFIO &&
		vfio_driver_ready(c->host, VFIO_DRIVER, c->request->deadline, err))
		return -1;
	if (begin(c, err))
		return -1;
	if (transaction_run(c->host, &c->plan, c->request->deadline, &done, err) == 0 &&
		end(c, err) == 0)
		return 0;
	undo(c, done, err);
	return -1;
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
	bool on_its_way = c->direction == TO_VFIO && !ret->device->driver[0];
	if ((vfio || on_its_way) && host_origin(c->host, ret->device, &origin))
		memcpy(ret->original_driver, origin.driver, sizeof(origin.driver));
	else if (!vfio)
		memcpy(ret->original_driver, ret->device->driver, sizeof(ret->original_driver));
	if (!c->request->dry_run || !needs_steps(c, c->devices[i]))
		driver = ret->device->driver;
	else
		driver = c->direction == TO_VFIO ? VFIO_DRIVER : ret->original_driver;
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
	if (c->direction == TO_ORIGIN)
		return 0;
	return host_groups(
		c->host, c->devices, c->targets.count, &result->groups, &result->n_groups, err);
}

static int run_change(struct host *host, enum direction direction,
	const struct change_request *request, struct change_result *ret, struct core_error *err)
{
	CLEANUP(change_close)
	struct change c = {.host = host, .direction = direction, .request = request};
	CLEANUP(change_result_clear) struct change_result result = {0};

	if (collect_targets(&c, err) || hold_groups(&c, err) || check_all(&c, err) ||
		plan_all(&c, err))
		return -1;
	if (c.plan.count > 0 && !request->dry_run && execute(&c, err))
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
	return run_change(host, TO_VFIO, request, ret, err);
}

int host_unbind(struct host *host, const struct change_request *request, struct change_result *ret,
	struct core_error *err)
{
	return run_change(host, TO_ORIGIN, request, ret, err);
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
