/* SPDX-License-Identifier: MIT */
/*
 * What VFIO users have of a device that is itself on a native driver.
 *
 * Mediated devices are links in /sys/bus/mdev/devices, to a folder below their parent's
 * (Documentation/driver-api/vfio-mediated-device.rst). A VMD has a PCI domain of its own in its
 * folder, as pci10000:e0 (drivers/pci/controller/vmd.c).
 */
#include "core/use/carried.h"
#include "core/base/array.h"
#include "core/base/util.h"
#include "core/pci/class_link.h"
#include "core/pci/device.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { MAX_CARRIED = 4096, MAX_DEPTH = 32 };

void carried_clear(struct carried *carried)
{
	free(carried->items);
	*carried = (struct carried){0};
}

/* The N of vfioN in the folder's vfio-dev; -1 where there is none. */
static int32_t read_vfio_id(int fd)
{
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(fd, "vfio-dev");
	struct dirent *entry = dir ? sysfs_readdir(dir) : NULL;
	int32_t id;

	return entry && sscanf(entry->d_name, "vfio%9d", &id) == 1 ? id : -1;
}

/* Adds the device whose folder it is. 0 or errno. */
static int carried_add(struct carried *carried, int fd, struct carried_device *device)
{
	char group[16];

	if (carried->count == MAX_CARRIED)
		return E2BIG;
	bool has_group = sysfs_link_name(fd, "iommu_group", group, sizeof(group)) > 0;
	device->group = has_group ? (int32_t)strtol(group, NULL, 10) : -1;
	device->vfio_id = read_vfio_id(fd);
	struct carried_device *added = ARRAY_ADD(carried->items, carried->count);
	if (!added)
		return ENOMEM;
	*added = *device;
	return 0;
}

static int is_same(void *arg, struct pci_address address)
{
	return pci_address_equal(*(const struct pci_address *)arg, address);
}

/* Adds the mediated device if it is below the PCI device's folder. */
static int add_mediated(const struct sysfs *sysfs, int fd, const char *name,
	struct pci_address address, struct carried *carried)
{
	struct carried_device device = {.is_mediated = true};
	char target[PATH_MAX];
	ssize_t n = readlinkat(fd, name, target, sizeof(target) - 1);

	if (n < 0)
		return errno == ENOENT ? 0 : errno;
	target[n] = '\0';
	if (!class_link_functions(sysfs->root_fd, target, is_same, &address))
		return 0;
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(fd, name);
	if (!dir)
		return errno == ENOENT ? 0 : errno;
	snprintf(device.name, sizeof(device.name), "%.63s", name);
	return carried_add(carried, dirfd(dir), &device);
}

static int read_mediated(
	const struct sysfs *sysfs, struct pci_address address, struct carried *carried)
{
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(sysfs->root_fd, "sys/bus/mdev/devices");
	int error = 0;

	if (!dir)
		return errno == ENOENT ? 0 : errno;
	for (struct dirent *entry; !error && (entry = sysfs_readdir(dir));)
		error = add_mediated(sysfs, dirfd(dir), entry->d_name, address, carried);
	return error;
}

static int read_behind(DIR *dir, int depth, struct carried *carried);

/* The PCI device of that folder, and those behind it in turn. */
static int add_behind(int fd, const char *name, int depth, struct carried *carried)
{
	struct carried_device device = {0};
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(fd, name);

	if (!dir)
		return errno == ENOENT ? 0 : errno;
	snprintf(device.name, sizeof(device.name), "%.63s", name);
	pci_address_parse(name, &device.address);
	sysfs_link_name(dirfd(dir), "driver", device.driver, sizeof(device.driver));
	/* What else it is used for shows below its folder, which is below the asked device's. */
	if (driver_is_vfio(device.driver) || sysfs_exists(dirfd(dir), "vfio-dev")) {
		int error = carried_add(carried, dirfd(dir), &device);
		if (error)
			return error;
	}
	return read_behind(dir, depth, carried);
}

/* A root bus that is below a device: "pci10000:e0". */
static bool is_root_bus(const char *name)
{
	unsigned domain, bus;
	int end = 0;

	return sscanf(name, "pci%8x:%2x%n", &domain, &bus, &end) == 2 && name[end] == '\0';
}

/* Goes through what is in the folder of a device or of a root bus. */
static int read_behind(DIR *dir, int depth, struct carried *carried)
{
	struct pci_address address;
	int error = 0;

	if (depth == 0)
		return ELOOP;
	for (struct dirent *entry; !error && (entry = sysfs_readdir(dir));) {
		const char *name = entry->d_name;

		if (entry->d_type == DT_LNK) /* to a virtual function, a supplier: not below it */
			continue;
		if (is_root_bus(name)) {
			CLEANUP(dir_cleanup) DIR *bus = sysfs_opendir(dirfd(dir), name);
			error = bus ? read_behind(bus, depth - 1, carried) : errno;
		} else if (strlen(name) < PCI_ADDRESS_SIZE && pci_address_parse(name, &address)) {
			error = add_behind(dirfd(dir), name, depth - 1, carried);
		}
	}
	return error;
}

int carried_read(const struct sysfs *sysfs, struct pci_address address, struct carried *ret)
{
	CLEANUP(carried_clear) struct carried carried = {0};
	char text[PCI_ADDRESS_SIZE], path[PCI_ADDRESS_SIZE + 32];

	pci_address_format(address, text);
	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s", text);
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(sysfs->root_fd, path);
	if (!dir)
		return errno == ENOENT ? 0 : errno;
	int error = read_behind(dir, MAX_DEPTH, &carried);
	if (!error)
		error = read_mediated(sysfs, address, &carried);
	if (error)
		return error;
	*ret = carried;
	carried = (struct carried){0};
	return 0;
}

/* Whether the holder has the device: its group, its own node, or its file where that is told. */
static bool is_held(const struct carried_device *c, const struct holder *h)
{
	switch ((enum hold)h->hold) {
	case HOLD_GROUP:
		return h->id >= 0 && h->id == c->group;
	case HOLD_DEVICE:
		return h->id >= 0 && h->id == c->vfio_id;
	case HOLD_FILE:
		return h->has_address && !c->is_mediated &&
		       pci_address_equal(h->address, c->address);
	case HOLD_MAPPING:
	case HOLD_NODE:
		break;
	}
	return false;
}

static const struct holder *first_holder(
	const struct carried_device *c, const struct holders *files)
{
	for (size_t i = 0; i < files->count; i++) {
		if (is_held(c, &files->items[i]))
			return &files->items[i];
	}
	return NULL;
}

/* What is true of it, for the end of a sentence. */
static void describe(
	const struct carried_device *c, const struct holder *first, char *buf, size_t n)
{
	if (first)
		snprintf(buf, n, "is in use by %.15s (pid %d)", first->command, first->pid);
	else if (c->is_mediated)
		snprintf(buf, n, "would end with it");
	else
		snprintf(buf, n, "is bound to %.31s", c->driver[0] ? c->driver : "VFIO");
}

static void check_one(const struct carried_device *c, const struct holders *files,
	struct pci_address address, struct core_problems *problems)
{
	char text[PCI_ADDRESS_SIZE], how[80];

	pci_address_format(address, text);
	describe(c, first_holder(c, files), how, sizeof(how));
	struct core_problem *p = core_problem_add_device(problems, address, REASON_VFIO_IN_USE,
		c->is_mediated
			? "stop what uses it and write 1 to its attribute remove first, or force VFIO_IN_USE"
			: "stop what uses it and unbind it first, or force VFIO_IN_USE",
		"device %s carries %s %.63s, which %s", text,
		c->is_mediated ? "mediated device" : "PCI device", c->name, how);
	core_problem_set_resource(
		p, "%s %.63s", c->is_mediated ? "mediated device" : "PCI device", c->name);
	for (size_t i = 0; p && i < files->count; i++) {
		struct core_holder holder;

		if (!is_held(c, &files->items[i]))
			continue;
		holder_describe(&files->items[i], &holder);
		core_problem_add_holder(p, &holder);
	}
}

void carried_check(const struct carried *carried, const struct holders *files,
	struct pci_address address, struct core_problems *problems)
{
	for (size_t i = 0; i < carried->count; i++)
		check_one(&carried->items[i], files, address, problems);
}
