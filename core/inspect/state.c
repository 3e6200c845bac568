/* SPDX-License-Identifier: MIT */
/* In which state a device is. */
#include "core/inspect/state.h"

#include "core/base/util.h"
#include "core/engine.h"
#include "core/helper/blocked.h"
#include "core/pci/group.h"
#include "core/record/records.h"

#include <stdio.h>
#include <stdlib.h>

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

enum device_leaving device_leaving(struct host *host, const struct device *d)
{
	char path[48];

	if (d->driver[0] || d->group < 0)
		return LEAVING_NOT;
	snprintf(path, sizeof(path), "dev/vfio/%d", d->group);
	if (!sysfs_exists(host->sysfs.root_fd, path))
		return LEAVING_NOT;
	if (device_has(host->devices, d, "vfio-dev") || !group_has_vfio(host, d))
		return LEAVING;
	return device_use_count(host->devices, d) > 0 ? LEAVING_BY_COUNT : LEAVING_NOT;
}

enum device_state device_state(struct host *host, const struct device *d)
{
	struct device_origin origin;

	if (blocked_shows(host->blocked, d->address) || device_leaving(host, d) != LEAVING_NOT)
		return STATE_UNBIND_PENDING;
	if (!d->driver[0])
		return STATE_DRIVERLESS;
	if (!device_is_vfio(host->devices, d))
		return STATE_HOST;
	return origins_find(host->origins, d, &origin) ? STATE_VFIO : STATE_VFIO_FOREIGN;
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
