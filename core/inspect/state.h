/* SPDX-License-Identifier: MIT */
/* The state of a device. The driver link alone does not tell it: the kernel removes the link at the
 * start of an unbind, which returns only when the last user has closed the device. */
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

/* Whether an unbind from a VFIO driver waits for the device's user. The driver link is then already
 * gone. Until the unbind returns, older kernels keep the device's vfio-dev folder. All kernels keep
 * the group's node, although the group has no VFIO driver or the device is still enabled. */
enum device_leaving {
	LEAVING_NOT,
	LEAVING_BY_COUNT, /* by its use count alone, which the last driver may have left so */
	LEAVING,
};

enum device_leaving device_leaving(struct host *host, const struct device *device);

/* The state of a device that is there. Any thread; never blocks. */
enum device_state device_state(struct host *host, const struct device *device);

/* "HOST"; static storage. */
const char *device_state_name(enum device_state state);
