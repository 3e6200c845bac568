/* SPDX-License-Identifier: MIT */
/* The table of devices: a tree by address. */
#include "core/pci/device_table.h"

#include "core/base/array.h"
#include "core/base/util.h"
#include "core/pci/names.h"

#include <assert.h>
#include <errno.h>
#include <search.h>
#include <string.h>

/* The tree's items are devices and compare as addresses. */
static_assert(offsetof(struct device, address) == 0, "a device begins with its address");

int devices_new(const struct sysfs *sysfs, struct names *names, struct devices **ret,
	struct core_error *err)
{
	struct devices *devices = calloc(1, sizeof(*devices));
	struct names *own = names ? NULL : names_open();

	if (!devices || (!names && !own)) {
		free(devices);
		names_close(own);
		return core_fail_memory(err);
	}
	devices->sysfs = sysfs;
	devices->names = names ? names : own;
	devices->own_names = own;
	pthread_mutex_init(&devices->mutex, NULL);
	pthread_mutex_init(&devices->refresh_mutex, NULL);
	*ret = devices;
	return 0;
}

static void devices_drop(void *device)
{
	device_unref(device);
}

void devices_free(struct devices *devices)
{
	if (!devices)
		return;
	tdestroy(devices->tree, devices_drop);
	names_close(devices->own_names);
	pthread_mutex_destroy(&devices->refresh_mutex);
	pthread_mutex_destroy(&devices->mutex);
	free(devices);
}

/* Returns the device that the table has, with a reference, or NULL. */
static struct device *table_lookup(struct devices *devices, struct pci_address address)
{
	pthread_mutex_lock(&devices->mutex);
	struct device **node = tfind(&address, &devices->tree, pci_address_compare);
	struct device *d = node ? device_ref(*node) : NULL;
	pthread_mutex_unlock(&devices->mutex);
	return d;
}

/* Puts the device into the table, in place of an older one with its address. The table takes over a
 * reference. 0 or -ENOMEM. */
static int table_replace(struct devices *devices, struct device *d)
{
	struct device *old = NULL;

	pthread_mutex_lock(&devices->mutex);
	struct device **node = tsearch(d, &devices->tree, pci_address_compare);
	if (node && *node != d) {
		old = *node;
		*node = d;
	}
	pthread_mutex_unlock(&devices->mutex);
	device_unref(old);
	return node ? 0 : -ENOMEM;
}

static void table_forget(struct devices *devices, struct pci_address address)
{
	struct device *old = NULL;

	pthread_mutex_lock(&devices->mutex);
	struct device **node = tfind(&address, &devices->tree, pci_address_compare);
	if (node) {
		old = *node;
		tdelete(&address, &devices->tree, pci_address_compare);
	}
	pthread_mutex_unlock(&devices->mutex);
	device_unref(old);
}

/* Whether the device still is as the table has it. */
static bool table_is_current(const struct devices *devices, const struct device *d)
{
	char driver[DRIVER_NAME_SIZE], group[16];

	/* Without a directory of its own, nothing tells a device from its successor. */
	if (d->fd < 0 || device_driver(devices, d, driver) != 0 || strcmp(driver, d->driver) != 0)
		return false;
	/* The driver link is made before the driver's probe has run, and a noiommu group within
	 * it: a group seen missing may have come since. */
	return d->group >= 0 || device_link(devices, d, "iommu_group", group, sizeof(group)) < 0;
}

/* Puts a fresh look at the device into the table: what changed since old when there is one, all of
 * it otherwise. Under refresh_mutex. */
static int table_read_again(struct devices *devices, struct pci_address address,
	const struct device *old, struct device **ret)
{
	struct device *d;
	int error = old ? device_renew(devices, old, &d) : -ENOENT;

	if (error)
		error = device_open(devices, address, &d);
	if (error == -ENOENT)
		table_forget(devices, address);
	if (error)
		return error;
	error = table_replace(devices, device_ref(d));
	if (error) {
		device_unref(d);
		device_unref(d);
		return error;
	}
	*ret = d;
	return 0;
}

/* Looks again at a device that the table has as old (NULL: not at all), which is not current. */
static int table_refresh(struct devices *devices, struct pci_address address,
	const struct device *old, struct device **ret)
{
	int error = 0;

	pthread_mutex_lock(&devices->refresh_mutex);
	/* Whoever held the mutex before may have seen the same. */
	struct device *d = table_lookup(devices, address);
	if (!d || d == old || !table_is_current(devices, d)) {
		device_unref(d);
		error = table_read_again(devices, address, old, &d);
	}
	pthread_mutex_unlock(&devices->refresh_mutex);
	if (!error)
		*ret = d;
	return error;
}

int devices_get(struct devices *devices, struct pci_address address, struct device **ret)
{
	struct device *old = table_lookup(devices, address);

	if (old && table_is_current(devices, old)) {
		*ret = old;
		return 0;
	}
	int error = table_refresh(devices, address, old, ret);
	device_unref(old);
	return error;
}

int devices_list(struct devices *devices, struct pci_address **ret, size_t *ret_n)
{
	CLEANUP(free_cleanup) struct pci_address *list = NULL;
	size_t n = 0;

	if (devices->sysfs->devices_fd < 0) {
		*ret = NULL;
		*ret_n = 0;
		return 0;
	}
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(devices->sysfs->devices_fd, ".");
	if (!dir)
		return -errno;
	for (struct dirent *entry; (entry = sysfs_readdir(dir));) {
		struct pci_address address, *added;
		if (!pci_address_parse(entry->d_name, &address))
			continue;
		if (!(added = ARRAY_ADD(list, n)))
			return -ENOMEM;
		*added = address;
	}
	if (n > 1)
		qsort(list, n, sizeof(*list), pci_address_compare);
	*ret = STEAL(list);
	*ret_n = n;
	return 0;
}
