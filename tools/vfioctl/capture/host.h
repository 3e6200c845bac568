/* SPDX-License-Identifier: MIT */
/* The machine around the devices: kernel, processors, IOMMU, modules. */
#pragma once

#include "tools/vfioctl/capture/parts.h"

void capture_print_host(struct capture *c);
