/* SPDX-License-Identifier: MIT */
/* The PCI drivers of a capture. */
#pragma once

#include "tools/vfioctl/capture/parts.h"

/* Before the devices, which point to them. */
int capture_read_drivers(struct capture *c);
void capture_print_drivers(struct capture *c);

struct capture_driver *capture_driver_named(const struct capture *c, const char *name);

/* The driver that the file makes take devices of these ids by itself, or NULL. */
const struct capture_driver *capture_driver_by_id(
	const struct capture *c, uint16_t vendor, uint16_t device);
