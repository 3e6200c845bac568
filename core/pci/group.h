/* SPDX-License-Identifier: MIT */
/*
 * IOMMU groups: their members, and whether they are viable.
 *
 * A VFIO user gets a group when no member is on a driver that does DMA for the host, whatever bus
 * the member is on (drivers/iommu/iommu.c, iommu_group_claim_dma_owner; of drivers,
 * driver_managed_dma), and when the firmware keeps no memory mapped for it (region.h).
 */
#pragma once

#include "core/pci/device.h"

/* One member, as it was when the group was read. */
struct group_member {
	struct device *device; /* a reference */
	bool is_vfio;
	bool blocks; /* because of its driver the group is not viable */
};

/* A member that is no PCI device, but one of the platform, say. */
struct group_stranger {
	char name[64]; /* in sysfs */
	char driver[DRIVER_NAME_SIZE];
	bool blocks;
};

/* How many of them a group may have before it cannot be read. */
enum { GROUP_MAX_STRANGERS = 1024 };

struct iommu_group {
	int32_t id;
	char type[16]; /* the kernel's name for its domain type; "" when unknown */
	char direct_region[REGION_TEXT_SIZE]; /* "" when it has none */
	bool viable;
	struct group_stranger *strangers; /* owned; sorted by name */
	size_t n_strangers;
	size_t count;
	struct group_member members[]; /* sorted by address */
};

/* Reads the group from /sys/kernel/iommu_groups, because opening /dev/vfio/N could break a virtual
 * machine that is starting. The caller frees it with group_free. 0, or -1 with err; CORE_NOT_FOUND
 * when there is no such group. */
int group_get(struct devices *devices, const struct sysfs *sysfs, int32_t id,
	struct iommu_group **ret, struct core_error *err);

/* Makes the group as it will be once the device is on a VFIO driver. Nothing when it is no member.
 */
void group_assume_vfio(struct iommu_group *group, struct pci_address address);

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
