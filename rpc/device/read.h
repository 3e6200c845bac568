/* SPDX-License-Identifier: MIT */
/* The operations that only read and never block. */
#pragma once

#include "rpc/device/operation.h"

device_operation device_list_devices;
device_operation device_get_device_info;
device_operation device_check_iommu_groups;
device_operation device_get_group_paths;
