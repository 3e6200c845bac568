/* SPDX-License-Identifier: MIT */
/* In which state a device is. The driver link alone does not tell: it goes at the beginning of an
 * unbind, which ends only when the device's last user lets go. */
#pragma once

#include "core/device.h"

struct host;

enum device_state {
	STATE_HOST,	      /* a native driver has it */
	STATE_DRIVERLESS,     /* nothing has it */
	STATE_VFIO,	      /* a VFIO driver has it, and vfiod bound it */
	STATE_VFIO_FOREIGN,   /* a VFIO driver has it, by another tool */
	STATE_UNBIND_PENDING, /* a write to it, vfiod's or another's, has not returned */
	STATE_GONE,	      /* it has left the host */
};

/* The state of a device that is there. Any thread; never blocks. */
enum device_state device_state(struct host *host, const struct device *device);

/* "HOST"; static storage. */
const char *device_state_name(enum device_state state);
