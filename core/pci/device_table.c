/* SPDX-License-Identifier: MIT */
/* The table of devices: open addressing, read without a lock, changed under one. */
#include "core/pci/device_table.h"
#include "core/base/array.h"
#include "core/base/util.h"
#include "core/pci/names.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct table {
	size_t mask; /* capacity - 1 */
	size_t used; /* slots that are not empty, GONE included; the writer's */
	_Atomic(struct device *) slots[];
};

/* Stands where a removed device was, so that probing goes on past it. */
static struct device gone;
#define GONE (&gone)

static struct table *table_new(size_t capacity)
{
	struct table *t = calloc(1, sizeof(*t) + capacity * sizeof(t->slots[0]));

	if (t)
		t->mask = capacity - 1;
	return t;
}

static size_t slot_of(const struct table *t, struct pci_address address)
{
	/* Fibonacci hashing: addresses differ in few, low bits. */
	return (size_t)((pci_address_key(address) * 0x9e3779b97f4a7c15u) >> 32) & t->mask;
}

/* The slot that holds the address, or the empty one that ends the search. */
static _Atomic(struct device *) *table_find(struct table *t, struct pci_address address)
{
	for (size_t i = slot_of(t, address);; i = (i + 1) & t->mask) {
		struct device *d = atomic_load_explicit(&t->slots[i], memory_order_acquire);

		if (!d || (d != GONE && pci_address_equal(d->address, address)))
			return &t->slots[i];
	}
}

int devices_new(const struct sysfs *sysfs, struct names *names, struct devices **ret,
	struct core_error *err)
{
	struct devices *devices = calloc(1, sizeof(*devices));
	struct table *table = table_new(256);
	struct names *own = names ? NULL : names_open();

	if (!devices || !table || (!names && !own)) {
		free(devices);
		free(table);
		names_close(own);
		return core_fail_memory(err);
	}
	devices->sysfs = sysfs;
	devices->names = names ? names : own;
	devices->own_names = own;
	atomic_init(&devices->table, table);
	pthread_mutex_init(&devices->mutex, NULL);
	*ret = devices;
	return 0;
}

void devices_free(struct devices *devices)
{
	if (!devices)
		return;
	struct table *t = atomic_load(&devices->table);
	for (size_t i = 0; i <= t->mask; i++) {
		struct device *d = atomic_load(&t->slots[i]);
		if (d != GONE)
			device_unref(d);
	}
	free(t);
	names_close(devices->own_names);
	pthread_mutex_destroy(&devices->mutex);
	free(devices);
}

static struct device *table_lookup(struct devices *devices, struct pci_address address)
{
	unsigned side = epoch_enter(&devices->epoch);
	struct table *t = atomic_load_explicit(&devices->table, memory_order_acquire);
	struct device *d = atomic_load_explicit(table_find(t, address), memory_order_acquire);

	/* The slot may have been emptied since it was found. */
	if (d == GONE)
		d = NULL;
	if (d)
		atomic_fetch_add(&d->refs, 1);
	epoch_leave(&devices->epoch, side);
	return d;
}

static size_t count_live(const struct table *t)
{
	size_t n = 0;

	for (size_t i = 0; i <= t->mask; i++) {
		const struct device *d = atomic_load(&t->slots[i]);
		n += d && d != GONE;
	}
	return n;
}

/* Makes a new table when this one fills up, dropping what is GONE: twice as large, unless it was
 * full of that. Under the mutex. */
static int make_room(struct devices *devices)
{
	struct table *old = atomic_load(&devices->table);

	if ((old->used + 1) * 2 <= old->mask)
		return 0;
	size_t capacity = old->mask + 1;
	struct table *t = table_new(count_live(old) * 4 < capacity ? capacity : capacity * 2);
	if (!t)
		return -ENOMEM;
	for (size_t i = 0; i <= old->mask; i++) {
		struct device *d = atomic_load(&old->slots[i]);
		if (!d || d == GONE)
			continue;
		atomic_init(table_find(t, d->address), d);
		t->used++;
	}
	atomic_store_explicit(&devices->table, t, memory_order_release);
	epoch_synchronize(&devices->epoch);
	free(old);
	return 0;
}

/* Puts a device (or GONE) in the address's slot and lets go of the one before. Under the mutex. */
static int table_replace(struct devices *devices, struct pci_address address, struct device *d)
{
	int error = d == GONE ? 0 : make_room(devices);

	if (error)
		return error;
	struct table *t = atomic_load(&devices->table);
	_Atomic(struct device *) *slot = table_find(t, address);
	struct device *old = atomic_load(slot);
	if (!old && d == GONE)
		return 0;
	atomic_store_explicit(slot, d, memory_order_release);
	if (!old) {
		t->used++;
		return 0;
	}
	epoch_synchronize(&devices->epoch);
	device_unref(old);
	return 0;
}

/* Whether the device still is as the table has it. */
static bool is_current(const struct devices *devices, const struct device *d)
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
 * it otherwise. Under the mutex. */
static int read_again(struct devices *devices, struct pci_address address, const struct device *old,
	struct device **ret)
{
	struct device *d;
	int error = old ? device_renew(devices, old, &d) : -ENOENT;

	if (error)
		error = device_open(devices, address, &d);
	if (error == -ENOENT)
		table_replace(devices, address, GONE);
	if (error)
		return error;
	atomic_fetch_add(&d->refs, 1); /* the table's and the caller's */
	error = table_replace(devices, address, d);
	if (error) {
		device_unref(d);
		device_unref(d);
		return error;
	}
	*ret = d;
	return 0;
}

/* Looks again at a device of which the table has old (or nothing, NULL), found not to be true. */
static struct device *table_refresh(
	struct devices *devices, struct pci_address address, const struct device *old)
{
	int error = 0;

	pthread_mutex_lock(&devices->mutex);
	/* Whoever held the mutex before may have seen the same. */
	struct device *d = table_lookup(devices, address);
	if (!d || d == old || !is_current(devices, d)) {
		device_unref(d);
		d = NULL;
		error = read_again(devices, address, old, &d);
	}
	pthread_mutex_unlock(&devices->mutex);
	errno = -error;
	return d;
}

struct device *devices_get(struct devices *devices, struct pci_address address)
{
	struct device *old = table_lookup(devices, address);

	if (old && is_current(devices, old))
		return old;
	struct device *d = table_refresh(devices, address, old);
	int error = errno;
	device_unref(old);
	errno = error;
	return d;
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
