/* SPDX-License-Identifier: MIT */
/* IOMMU groups. */
#include "core/pci/group.h"
#include "core/base/util.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool group_driver_tolerated(const char *driver)
{
	return strcmp(driver, "pci-stub") == 0 || strcmp(driver, "pcieport") == 0;
}

static void member_read(const struct devices *devices, struct group_member *m)
{
	m->is_vfio = device_is_vfio(devices, m->device);
	m->blocks =
		m->device->driver[0] && !m->is_vfio && !group_driver_tolerated(m->device->driver);
}

static int member_compare(const void *a, const void *b)
{
	const struct group_member *x = a, *y = b;

	return pci_address_compare(&x->device->address, &y->device->address);
}

static int group_add(struct iommu_group **group, size_t *room, struct device *device)
{
	if ((*group)->count == *room) {
		size_t wider = *room * 2;
		struct iommu_group *grown =
			realloc(*group, sizeof(**group) + wider * sizeof((*group)->members[0]));
		if (!grown)
			return -1;
		*group = grown;
		*room = wider;
	}
	(*group)->members[(*group)->count++] = (struct group_member){.device = device};
	return 0;
}

static int read_members(struct devices *devices, DIR *dir, struct iommu_group **group)
{
	struct pci_address address;
	size_t room = 4;

	for (struct dirent *entry; (entry = sysfs_readdir(dir));) {
		if (!pci_address_parse(entry->d_name, &address))
			continue; /* groups hold platform devices too */
		struct device *device = devices_get_or_null(devices, address);
		if (!device)
			continue; /* left since the folder was read */
		if (group_add(group, &room, device)) {
			device_unref(device);
			return -1;
		}
	}
	return 0;
}

int group_get(struct devices *devices, const struct sysfs *sysfs, int32_t id,
	struct iommu_group **ret, struct core_error *err)
{
	char path[64];

	snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%d/devices", id);
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(sysfs->root_fd, path);
	if (!dir)
		return core_fail(err, errno == ENOENT ? CORE_NOT_FOUND : CORE_INTERNAL,
			"cannot read IOMMU group %d: %s", id, strerror(errno));
	CLEANUP(group_cleanup)
	struct iommu_group *group = calloc(1, sizeof(*group) + 4 * sizeof(group->members[0]));
	if (!group || read_members(devices, dir, &group))
		return core_fail_memory(err);
	group->id = id;
	group->viable = true;
	for (size_t i = 0; i < group->count; i++) {
		member_read(devices, &group->members[i]);
		group->viable &= !group->members[i].blocks;
	}
	qsort(group->members, group->count, sizeof(group->members[0]), member_compare);
	snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%d/type", id);
	if (sysfs_read(sysfs->root_fd, path, group->type, sizeof(group->type)) < 0)
		group->type[0] = '\0';
	*ret = STEAL(group);
	return 0;
}

void group_free(struct iommu_group *group)
{
	if (!group)
		return;
	for (size_t i = 0; i < group->count; i++)
		device_unref(group->members[i].device);
	free(group);
}

uint64_t group_key(struct devices *devices, struct pci_address address)
{
	const uint64_t LONE = 1ull << 63;
	CLEANUP(device_cleanup) struct device *d = devices_get_or_null(devices, address);

	return d && d->group >= 0 ? (uint64_t)d->group : LONE | pci_address_key(address);
}
