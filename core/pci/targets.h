/* SPDX-License-Identifier: MIT */
/* What a request names: addresses, and the devices and groups that they stand for. */
#pragma once

#include "core/pci/group.h"

/* Addresses in one request, repeats included (docs/operations.md, "pci_addresses"). */
enum { TARGETS_MAX = 1024 };

/* Addresses of one request, repeats dropped. */
struct address_list {
	struct pci_address *items; /* owned */
	size_t count;
};

/* CORE_INVALID when a request names no address or more than TARGETS_MAX. */
int address_list_check_count(size_t n, struct core_error *err);

/* Parses the addresses of a request. CORE_INVALID when there is none, there are more than
 * TARGETS_MAX, or some are malformed (each then a problem). */
int address_list_parse(
	char *const *texts, size_t n, struct address_list *ret, struct core_error *err);
void address_list_clear(struct address_list *list);

/* The devices, one reference each, in the order of the list. CORE_NOT_FOUND with a problem for each
 * that is absent. The caller frees with device_list_free. */
int devices_find(struct devices *devices, const struct address_list *list, struct device ***ret,
	struct core_error *err);
void device_list_free(struct device **devices, size_t n);

/* The distinct IOMMU groups of the devices, in numeric order. CORE_PRECONDITION with a problem for
 * each device that has none. The caller frees with group_list_free. */
int groups_find(struct devices *all, const struct sysfs *sysfs, struct device *const *devices,
	size_t n, struct iommu_group ***ret, size_t *ret_n, struct core_error *err);
void group_list_free(struct iommu_group **groups, size_t n);
