/* SPDX-License-Identifier: MIT */
/* The VFIO driver itself: is it there, and can it be loaded? */
#include "core/change/vfio_driver.h"

#include "core/engine.h"
#include "core/helper/helper.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool vfio_driver_is_there(const struct host *host, const char *driver)
{
	char path[DRIVER_NAME_SIZE + 32];

	/* The driver's folder and not the list of modules: it may be built in. */
	snprintf(path, sizeof(path), "sys/bus/pci/drivers/%s", driver);
	return sysfs_exists(host->sysfs.root_fd, path);
}

static int vfio_driver_load(struct host *host, const char *module, int64_t deadline)
{
	struct helper_request request = {.op = HELPER_LOAD};
	struct helper_reply reply;

	snprintf(request.name, sizeof(request.name), "%s", module);
	int rc = helper_call(host->helper, &request, deadline, &reply);
	return rc < 0 ? -rc : reply.error;
}

int vfio_driver_ready(
	struct host *host, const char *driver, int64_t deadline, struct core_error *err)
{
	if (vfio_driver_is_there(host, driver))
		return 0;
	int error = vfio_driver_load(host, driver, deadline);
	/* What a user of the group needs next; some kernels have it built in or need it not. */
	if (!error)
		vfio_driver_load(host, "vfio_iommu_type1", deadline);
	if (vfio_driver_is_there(host, driver))
		return 0;
	return core_fail(err, CORE_PRECONDITION,
		"the driver %s is not loaded and loading it failed: %s; run `modprobe %s`", driver,
		strerror(error ? error : ENOENT), driver);
}
