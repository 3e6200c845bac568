/* SPDX-License-Identifier: MIT */
/* The regions of a device, from its `resource`. */
#pragma once

#include "tools/vfioctl/capture/parts.h"

/* bars= and rom= of one device, as its `resource` has them. */
void capture_print_bars(struct capture *c, const struct capture_device *d);
