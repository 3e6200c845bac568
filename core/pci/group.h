/* SPDX-License-Identifier: MIT */
/* IOMMU groups: their members, and whether they are viable. */
#pragma once

#include "core/pci/device.h"

/* One member, as it was when the group was read. */
struct group_member {
	struct device *device; /* a reference */
	bool is_vfio;
	bool blocks; /* its driver keeps the group from being viable */
};

struct iommu_group {
	int32_t id;
	char type[16]; /* the kernel's name for its domain type; "" when unknown */
	bool viable;
	size_t count;
	struct group_member members[]; /* sorted by address */
};

/* Reads the group from /sys/kernel/iommu_groups. Opening /dev/vfio/N to ask the kernel could break
 * a virtual machine that is starting. The caller frees it with group_free. CORE_NOT_FOUND when
 * there is none. */
int group_get(struct devices *devices, const struct sysfs *sysfs, int32_t id,
	struct iommu_group **ret, struct core_error *err);

/* The key that a change to the device locks: its IOMMU group's number, or a number of its own when
 * it has no group. */
uint64_t group_key(struct devices *devices, struct pci_address address);

/* Whether the kernel lets the driver keep its device in a group that a VFIO user has, because it
 * does no DMA of its own (driver_managed_dma). */
bool group_driver_tolerated(const char *driver);

void group_free(struct iommu_group *group);
static inline void group_cleanup(struct iommu_group **group)
{
	group_free(*group);
}
