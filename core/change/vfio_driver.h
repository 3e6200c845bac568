/* SPDX-License-Identifier: MIT */
/* The driver that devices are bound to. */
#pragma once

#include "core/error.h"

#include <stdint.h>

struct host;

/* What devices are bound to. */
#define VFIO_DRIVER "vfio-pci"

/* Makes sure that the VFIO driver is there, loading its module where that is allowed. */
int vfio_driver_ready(
	struct host *host, const char *driver, int64_t deadline, struct core_error *err);
