/* SPDX-License-Identifier: MIT */
/* The PCI functions of a capture, as they are printed. */
#pragma once

#include "tools/vfioctl/capture/parts.h"

void capture_print_devices(struct capture *c);
