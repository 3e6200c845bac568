/* SPDX-License-Identifier: MIT */
/* Whether interrupts are remapped. If they are not, the kernel refuses the group's IOMMU to a VFIO
 * user (EPERM), although the group is viable (Documentation/driver-api/vfio.rst; vfio_iommu_type1).
 */
#pragma once

#include "core/pci/sysfs.h"

enum interrupts {
	INTERRUPTS_UNKNOWN, /* nothing to read, or not a machine that shows it */
	INTERRUPTS_REMAPPED,
	INTERRUPTS_ALLOWED, /* they are not, and vfio_iommu_type1 was told to go on all the same */
	INTERRUPTS_UNSAFE,
};

enum interrupts interrupts_read(const struct sysfs *sysfs);
