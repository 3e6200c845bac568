/* SPDX-License-Identifier: MIT */
/* What a request names: addresses, their devices, the groups of these. */
#include "core/pci/targets.h"

#include "core/base/util.h"
#include "core/pci/problems.h"

#include <stdlib.h>

static bool list_has(const struct address_list *list, struct pci_address address)
{
	for (size_t i = 0; i < list->count; i++) {
		if (pci_address_equal(list->items[i], address))
			return true;
	}
	return false;
}

int address_list_check_count(size_t n, struct core_error *err)
{
	if (n == 0)
		return core_fail(
			err, CORE_INVALID, "pci_addresses: at least one PCI address is required");
	if (n > TARGETS_MAX)
		return core_fail(err, CORE_INVALID,
			"pci_addresses: at most %d PCI addresses are accepted, got %zu",
			TARGETS_MAX, n);
	return 0;
}

int address_list_parse(
	char *const *texts, size_t n, struct address_list *ret, struct core_error *err)
{
	CLEANUP(address_list_clear) struct address_list list = {0};
	CLEANUP(core_problems_clear) struct core_problems problems = {0};
	struct pci_address address;

	if (address_list_check_count(n, err))
		return -1;
	if (!(list.items = calloc(n, sizeof(*list.items))))
		return core_fail_memory(err);
	for (size_t i = 0; i < n; i++) {
		if (!pci_address_parse(texts[i], &address))
			problem_invalid_address(&problems, texts[i]);
		else if (!list_has(&list, address))
			list.items[list.count++] = address;
	}
	if (core_problems_any(&problems))
		return core_fail_problems(err, &problems);
	*ret = list;
	list.items = NULL;
	return 0;
}

void address_list_clear(struct address_list *list)
{
	free(list->items);
	*list = (struct address_list){0};
}

void device_list_free(struct device **devices, size_t n)
{
	for (size_t i = 0; devices && i < n; i++)
		device_unref(devices[i]);
	free(devices);
}

int devices_find(struct devices *devices, const struct address_list *list, struct device ***ret,
	struct core_error *err)
{
	CLEANUP(core_problems_clear) struct core_problems problems = {0};
	struct device **found = calloc(list->count + 1, sizeof(*found));

	if (!found)
		return core_fail_memory(err);
	for (size_t i = 0; i < list->count; i++) {
		if (devices_get(devices, list->items[i], &found[i]))
			problem_absent(&problems, list->items[i]);
	}
	if (core_problems_any(&problems)) {
		device_list_free(found, list->count);
		return core_fail_problems(err, &problems);
	}
	*ret = found;
	return 0;
}

static int int32_compare(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

/* The distinct group numbers, sorted; -1 with a problem for each device that has none. */
static int group_ids(const struct sysfs *sysfs, struct device *const *devices, size_t n,
	int32_t *ids, size_t *ret_n, struct core_error *err)
{
	CLEANUP(core_problems_clear) struct core_problems problems = {0};
	enum iommu_state iommu = IOMMU_IS_OFF;
	size_t distinct = 0;

	for (size_t i = 0; i < n; i++) {
		ids[i] = devices[i]->group;
		if (ids[i] < 0 && problems.count == 0)
			iommu = iommu_read(sysfs);
		if (ids[i] < 0)
			problem_no_group(&problems, devices[i], iommu);
	}
	if (core_problems_any(&problems))
		return core_fail_problems(err, &problems);
	qsort(ids, n, sizeof(*ids), int32_compare);
	for (size_t i = 0; i < n; i++) {
		if (distinct == 0 || ids[distinct - 1] != ids[i])
			ids[distinct++] = ids[i];
	}
	*ret_n = distinct;
	return 0;
}

int groups_find(struct devices *all, const struct sysfs *sysfs, struct device *const *devices,
	size_t n, struct iommu_group ***ret, size_t *ret_n, struct core_error *err)
{
	CLEANUP(free_cleanup) int32_t *ids = calloc(n + 1, sizeof(*ids));
	struct iommu_group **groups = calloc(n + 1, sizeof(*groups));
	size_t n_groups = 0;
	int result = -1;

	if (!ids || !groups)
		core_fail_memory(err);
	else
		result = group_ids(sysfs, devices, n, ids, &n_groups, err);
	for (size_t i = 0; result == 0 && i < n_groups; i++)
		result = group_get(all, sysfs, ids[i], &groups[i], err);
	if (result) {
		group_list_free(groups, n_groups);
		return -1;
	}
	*ret = groups;
	*ret_n = n_groups;
	return 0;
}

void group_list_free(struct iommu_group **groups, size_t n)
{
	for (size_t i = 0; groups && i < n; i++)
		group_free(groups[i]);
	free(groups);
}
