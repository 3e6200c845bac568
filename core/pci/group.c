/* SPDX-License-Identifier: MIT */
/* IOMMU groups. */
#include "core/pci/group.h"
#include "core/base/array.h"
#include "core/base/text.h"
#include "core/base/util.h"
#include "core/pci/region.h"

#include <errno.h>
#include <limits.h>
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

/* A platform device that VFIO has is on vfio-platform, which registers it as the PCI drivers do.
 * One whose driver cannot be read is on one that is not tolerated, as far as we know. 0 or a
 * negative errno. */
static int add_stranger(struct iommu_group *group, int dirfd, const char *name)
{
	char path[NAME_MAX + 16];
	struct group_stranger *s = group->n_strangers < GROUP_MAX_STRANGERS
					   ? ARRAY_ADD(group->strangers, group->n_strangers)
					   : NULL;

	if (!s)
		return -ENOMEM;
	*s = (struct group_stranger){0};
	snprintf(s->name, sizeof(s->name), "%.63s", name);
	text_clean(s->name);
	snprintf(path, sizeof(path), "%s/driver", name);
	ssize_t n = sysfs_link_name(dirfd, path, s->driver, sizeof(s->driver));
	if (n == -ENOENT)
		return 0;
	if (n < 0)
		snprintf(s->driver, sizeof(s->driver), "an unknown driver");
	snprintf(path, sizeof(path), "%s/vfio-dev", name);
	s->blocks = strcmp(s->driver, "vfio-platform") != 0 && !sysfs_exists(dirfd, path);
	return 0;
}

/* Adds the PCI device at the address, unless it has left since the folder was read. One that is
 * there and cannot be read may block the group. 0 or a negative errno. */
static int add_member(struct devices *devices, struct iommu_group **group, size_t *room,
	struct pci_address address)
{
	struct device *device;
	int error = devices_get(devices, address, &device);

	if (error)
		return error == -ENOENT ? 0 : error;
	if (group_add(group, room, device) == 0)
		return 0;
	device_unref(device);
	return -ENOMEM;
}

static int read_members(struct devices *devices, DIR *dir, struct iommu_group **group)
{
	struct pci_address address;
	size_t room = 4;
	int error = 0;

	for (struct dirent *entry; !error && (entry = sysfs_readdir(dir));) {
		if (pci_address_parse(entry->d_name, &address))
			error = add_member(devices, group, &room, address);
		else
			error = add_stranger(*group, dirfd(dir), entry->d_name);
	}
	return error;
}

static void group_judge(struct iommu_group *group)
{
	group->viable = !group->direct_region[0];
	for (size_t i = 0; i < group->count; i++)
		group->viable &= !group->members[i].blocks;
	for (size_t i = 0; i < group->n_strangers; i++)
		group->viable &= !group->strangers[i].blocks;
}

void group_assume_vfio(struct iommu_group *group, struct pci_address address)
{
	for (size_t i = 0; i < group->count; i++) {
		struct group_member *m = &group->members[i];

		if (!pci_address_equal(m->device->address, address))
			continue;
		m->is_vfio = true;
		m->blocks = false;
	}
	group_judge(group);
}

static int stranger_compare(const void *a, const void *b)
{
	return strcmp(
		((const struct group_stranger *)a)->name, ((const struct group_stranger *)b)->name);
}

static void group_sort(struct iommu_group *group)
{
	qsort(group->members, group->count, sizeof(group->members[0]), member_compare);
	if (group->n_strangers > 0)
		qsort(group->strangers, group->n_strangers, sizeof(group->strangers[0]),
			stranger_compare);
}

static int fail_group(struct core_error *err, int32_t id, int error)
{
	if (error == ENOMEM)
		return core_fail_memory(err);
	return core_fail(err, error == ENOENT ? CORE_NOT_FOUND : CORE_INTERNAL,
		"cannot read IOMMU group %d: %s", id, strerror(error));
}

int group_get(struct devices *devices, const struct sysfs *sysfs, int32_t id,
	struct iommu_group **ret, struct core_error *err)
{
	char path[64];

	snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%d/devices", id);
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(sysfs->root_fd, path);
	if (!dir)
		return fail_group(err, id, errno);
	CLEANUP(group_cleanup)
	struct iommu_group *group = calloc(1, sizeof(*group) + 4 * sizeof(group->members[0]));
	int error = group ? read_members(devices, dir, &group) : -ENOMEM;
	if (!error)
		error = region_read_direct(sysfs, id, group->direct_region);
	if (error)
		return fail_group(err, id, -error);
	group->id = id;
	for (size_t i = 0; i < group->count; i++)
		member_read(devices, &group->members[i]);
	group_sort(group);
	group_judge(group);
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
	free(group->strangers);
	free(group);
}

uint64_t group_key(struct devices *devices, struct pci_address address)
{
	const uint64_t LONE = 1ull << 63;
	CLEANUP(device_cleanup) struct device *d = devices_get_or_null(devices, address);

	return d && d->group >= 0 ? (uint64_t)d->group : LONE | pci_address_key(address);
}
