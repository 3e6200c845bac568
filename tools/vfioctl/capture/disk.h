/* SPDX-License-Identifier: MIT */
/* The disks of a capture: those of devices, and what is built upon them. */
#pragma once

#include "tools/vfioctl/capture/parts.h"

int capture_read_disks(struct capture *c);
void capture_print_disks(struct capture *c);
