/* SPDX-License-Identifier: MIT */
/*
 * Memory that a group must keep mapped.
 *
 * The firmware may want memory mapped one to one for a device at all times (RMRR of Intel, IVMD of
 * AMD). VFIO would take such a mapping away, so the kernel bars it from the device's group
 * (drivers/iommu/iommu.c, require_direct; before Linux 6.6 of Intel's IOMMU alone,
 * drivers/iommu/intel/iommu.c, device_is_rmrr_locked). Regions of type direct-relaxable are those
 * of USB and graphics, which do not matter to VFIO.
 */
#pragma once

#include "core/pci/sysfs.h"

/* Room for "0xe8000-0xe8fff", of any two addresses, and its NUL. */
enum { REGION_TEXT_SIZE = 40 };

/* Reads the first region of type direct of the IOMMU group with that id, as "0xe8000-0xe8fff"; ""
 * when it has none. 0, or a negative errno when that is not known. */
int region_read_direct(const struct sysfs *sysfs, int32_t id, char ret[static REGION_TEXT_SIZE]);
