/* SPDX-License-Identifier: MIT */
/* Bind and unbind: what they answer. */
#include "core/change/result.h"

#include "core/base/util.h"
#include "core/change/vfio_driver.h"
#include "core/engine.h"
#include "core/record/records.h"

#include <stdio.h>
#include <string.h>

/* The driver that the plan gives the device. */
static const char *planned_driver(
	const struct change *c, size_t i, const struct change_device *device)
{
	if (!change_has_steps(c, i))
		return device->device->driver;
	if (change_is_bind(c))
		return VFIO_DRIVER;
	return c->wish.leave_driverless ? "" : device->original_driver;
}

/* Where the device is now, and where it came from: the record tells; without one a device on a
 * native driver is where it belongs. One that has left since is told as it was left by the change,
 * which was made all the same. */
static void fill_device(struct change *c, size_t i, struct change_device *ret)
{
	const struct device_facts *f = &c->facts.devices[i];
	struct device *now = devices_get_or_null(c->host->devices, c->targets.items[i]);
	struct device_origin origin = f->origin;
	bool has_left = !now, has_origin = f->has_origin;

	ret->requested = i < c->request->addresses.count;
	ret->device = has_left ? device_ref(c->devices[i]) : now;
	if (!has_left)
		has_origin = origins_find(c->host->origins, now, &origin);
	bool vfio = device_is_vfio(c->host->devices, ret->device);
	if (has_origin)
		memcpy(ret->original_driver, origin.driver, sizeof(origin.driver));
	else if (!vfio)
		memcpy(ret->original_driver, ret->device->driver, sizeof(ret->original_driver));
	snprintf(ret->driver, sizeof(ret->driver), "%s",
		c->request->dry_run || has_left ? planned_driver(c, i, ret) : ret->device->driver);
}

/* A dry run tells of the groups as they would be. */
static void assume_plan(const struct change *c, struct change_result *result)
{
	for (size_t g = 0; g < result->n_groups; g++) {
		for (size_t i = 0; i < c->targets.count; i++) {
			if (change_has_steps(c, i))
				group_assume_vfio(result->groups[g], c->targets.items[i]);
		}
	}
}

int change_fill_result(struct change *c, struct change_result *result, struct core_error *err)
{
	CLEANUP(core_error_clear) struct core_error ignored = CORE_ERROR_INIT;

	if (!(result->devices = calloc(c->targets.count, sizeof(*result->devices))))
		return core_fail_memory(err);
	result->n_devices = c->targets.count;
	for (size_t i = 0; i < c->targets.count; i++)
		fill_device(c, i, &result->devices[i]);
	result->plan = c->plan;
	c->plan = (struct plan){0};
	/* A change that was made is no failure because a group has left since. */
	if (change_is_bind(c) &&
		groups_find(c->host->devices, &c->host->sysfs, c->devices, c->targets.count,
			&result->groups, &result->n_groups, &ignored) &&
		c->request->dry_run) {
		*err = ignored;
		ignored = (struct core_error)CORE_ERROR_INIT;
		return -1;
	}
	if (c->request->dry_run)
		assume_plan(c, result);
	return 0;
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
