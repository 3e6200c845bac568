/* SPDX-License-Identifier: MIT */
/* IOMMU groups: their members, and whether they are viable. */
#pragma once

#include "core/pci/device.h"

/* One member, as it was when the group was read. */
struct group_member {
	struct device *device; /* a reference */
	bool is_vfio;
	bool blocks; /* because of its driver the group is not viable */
};

struct iommu_group {
	int32_t id;
	char type[16]; /* the kernel's name for its domain type; "" when unknown */
	bool viable;
	size_t count;
	struct group_member members[]; /* sorted by address */
};

/* Reads the group from /sys/kernel/iommu_groups, because opening /dev/vfio/N could break a virtual
 * machine that is starting. The caller frees it with group_free. 0, or -1 with err; CORE_NOT_FOUND
 * when there is no such group. */
int group_get(struct devices *devices, const struct sysfs *sysfs, int32_t id,
	struct iommu_group **ret, struct core_error *err);

/* The key that a change to the device locks: its IOMMU group's number, or a number of its own when
 * it has no group. */
uint64_t group_key(struct devices *devices, struct pci_address address);

/* Whether a device may stay on this driver while a VFIO user has its group: the driver does no DMA
 * of its own (the kernel's driver_managed_dma). */
bool group_driver_tolerated(const char *driver);

void group_free(struct iommu_group *group);
static inline void group_cleanup(struct iommu_group **group)
{
	group_free(*group);
}
