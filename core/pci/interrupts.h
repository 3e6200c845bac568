/* SPDX-License-Identifier: MIT */
/* Whether interrupts are remapped. If they are not, the kernel refuses a group's IOMMU to VFIO
 * users with EPERM, even if the group is viable (vfio_iommu_type1;
 * Documentation/driver-api/vfio.rst). */
#pragma once

#include "core/pci/sysfs.h"

enum interrupts {
	INTERRUPTS_UNKNOWN, /* nothing to read, or not a machine that shows it */
	INTERRUPTS_REMAPPED,
	INTERRUPTS_ALLOWED, /* not remapped, and vfio_iommu_type1 is told to allow that */
	INTERRUPTS_UNSAFE,
};

enum interrupts interrupts_read(const struct sysfs *sysfs);
