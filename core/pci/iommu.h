/* SPDX-License-Identifier: MIT */
/* Whether an IOMMU is at work, and why a device may have no group all the same. */
#pragma once

#include "core/pci/sysfs.h"

enum iommu_state {
	IOMMU_IS_OFF,
	IOMMU_IS_ON,
	IOMMU_IS_ON_WITHOUT_IGFX, /* intel_iommu=igfx_off: not for Intel's graphics */
};

/* Counts the groups that an IOMMU made. What VFIO makes for a device in noiommu mode, named
 * "vfio-noiommu", is none of them; *ret_noiommu counts those. */
uint32_t iommu_count_groups(const struct sysfs *sysfs, uint32_t *ret_noiommu);

enum iommu_state iommu_read(const struct sysfs *sysfs);

/* Whether the kernel's command line, the text, has the word, or one of its comma-separated values
 * when the word ends in "=VALUE": "iommu=off" is in "iommu=pt,off", and not in "intel_iommu=off".
 */
bool iommu_cmdline_has(const char *cmdline, const char *word);
