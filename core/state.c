/* SPDX-License-Identifier: MIT */
/* In which state a device is. */
#include "core/state.h"
#include "core/host_internal.h"
#include "core/util.h"

#include <stdio.h>
#include <stdlib.h>

static bool has_use_count(const struct host *host, const struct device *d)
{
	char text[16];

	return device_read(host->devices, d, "enable", text, sizeof(text)) > 0 &&
	       strtol(text, NULL, 10) >= 1;
}

static bool group_has_vfio(struct host *host, const struct device *d)
{
	CLEANUP(core_error_clear) struct core_error ignored = CORE_ERROR_INIT;
	CLEANUP(group_cleanup) struct iommu_group *group = NULL;
	bool found = false;

	if (group_get(host->devices, &host->sysfs, d->group, &group, &ignored))
		return true;
	for (size_t i = 0; i < group->count; i++)
		found |= group->members[i].is_vfio;
	return found;
}

/* A VFIO driver's unbind takes the driver link away at once and then waits for the device's user.
 * What is left until its end: on older kernels the device's own folder, on all the group's node,
 * whose group has no VFIO driver any more, or whose device is still enabled by its user. */
static bool is_leaving_vfio(struct host *host, const struct device *d)
{
	char path[48];

	if (d->driver[0] || d->group < 0)
		return false;
	snprintf(path, sizeof(path), "dev/vfio/%d", d->group);
	if (!sysfs_exists(host->sysfs.root_fd, path))
		return false;
	return device_has(host->devices, d, "vfio-dev") || has_use_count(host, d) ||
	       !group_has_vfio(host, d);
}

enum device_state device_state(struct host *host, const struct device *d)
{
	struct device_origin origin;

	if ((pending_any(host->pending) && (hand_is_pending(host->lock_fd, d->address) ||
						   pending_has(host->pending, d->address))) ||
		is_leaving_vfio(host, d))
		return STATE_UNBIND_PENDING;
	if (!d->driver[0])
		return STATE_DRIVERLESS;
	if (!device_is_vfio(host->devices, d))
		return STATE_HOST;
	return host_origin(host, d, &origin) ? STATE_VFIO : STATE_VFIO_FOREIGN;
}

const char *device_state_name(enum device_state state)
{
	static const char *const names[] = {
		[STATE_HOST] = "HOST",
		[STATE_DRIVERLESS] = "DRIVERLESS",
		[STATE_VFIO] = "VFIO",
		[STATE_VFIO_FOREIGN] = "VFIO_FOREIGN",
		[STATE_UNBIND_PENDING] = "UNBIND_PENDING",
		[STATE_GONE] = "GONE",
	};

	return names[state];
}
