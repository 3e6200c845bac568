/* SPDX-License-Identifier: MIT */
/* What IOMMU groups have beside PCI functions. */
#pragma once

#include "tools/vfioctl/capture/parts.h"

/* Prints the reserved regions and the members of other buses of every group that a device is in. */
void capture_print_groups(struct capture *c);
