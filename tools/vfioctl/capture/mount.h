/* SPDX-License-Identifier: MIT */
/* What the host has mounted and swaps to, of the disks of a capture. */
#pragma once

#include "tools/vfioctl/capture/parts.h"

void capture_print_mounts(struct capture *c);
