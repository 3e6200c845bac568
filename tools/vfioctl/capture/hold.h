/* SPDX-License-Identifier: MIT */
/* Which processes use VFIO devices, as `hold` lines. */
#pragma once

#include "tools/vfioctl/capture/parts.h"

int capture_read_holders(struct capture *c);
void capture_print_holders(struct capture *c);
