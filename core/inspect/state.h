/* SPDX-License-Identifier: MIT */
/* In which state a device is. The driver link alone does not tell: it goes at the beginning of an
 * unbind, which ends only when the device's last user lets go. */
#pragma once

#include "core/pci/device.h"

struct host;

/* docs/operations.md, "States". */
enum device_state {
	STATE_HOST,	      /* a native driver has it */
	STATE_DRIVERLESS,     /* nothing has it */
	STATE_VFIO,	      /* a VFIO driver has it, and vfiod bound it */
	STATE_VFIO_FOREIGN,   /* a VFIO driver has it, by another tool */
	STATE_UNBIND_PENDING, /* a write to it, vfiod's or another's, has not returned */
	STATE_GONE,	      /* it has left the host */
};

/* Whether a VFIO driver's unbind waits for the device's user: it takes the driver link away at
 * once. What is left until its end: on older kernels the device's own folder; on all, the node of
 * the group, which has no VFIO driver any more, or whose device is still enabled by its user. */
enum device_leaving {
	LEAVING_NOT,
	LEAVING_BY_COUNT, /* by its use count alone, which the last driver may have left so */
	LEAVING,
};

/* Any thread; never blocks. */
enum device_leaving device_leaving(struct host *host, const struct device *device);

/* The state of a device that is there. Any thread; never blocks. */
enum device_state device_state(struct host *host, const struct device *device);

/* "HOST"; static storage. */
const char *device_state_name(enum device_state state);
