/* SPDX-License-Identifier: MIT */
/* Inside of the device cache: what core/pci/device.c and core/pci/device_table.c share. */
#pragma once

#include "core/base/epoch.h"
#include "core/pci/device.h"

#include <pthread.h>

struct names;
struct table;

struct devices {
	const struct sysfs *sysfs;
	struct names *names;	       /* under the mutex; NULL: devices have none */
	struct names *own_names;       /* the same, or NULL when they are somebody else's */
	_Atomic(struct table *) table; /* readers within the epoch */
	struct epoch epoch;
	pthread_mutex_t mutex; /* of whoever changes the table */
};

/* Reads a device from sysfs into a fresh object with one reference. Caller holds the mutex. 0 or a
 * negative errno, -ENOENT when there is no such device. */
int device_open(const struct devices *devices, struct pci_address address, struct device **ret);

/* A fresh object of a device that is still the same: identity and directory are old's, the rest is
 * read again. 0 or a negative errno, -ENOENT when old is gone or kept no directory. */
int device_renew(const struct devices *devices, const struct device *old, struct device **ret);

/* The driver now ("" for none). 0, or -ENOENT when the device is gone, or another negative errno.
 */
int device_driver(const struct devices *devices, const struct device *device,
	char driver[static DRIVER_NAME_SIZE]);

/* Reads group and NUMA node. */
void device_read_placement(const struct devices *devices, struct device *device);

/* As sysfs_link_name, for a link in the device's directory. */
ssize_t device_link(const struct devices *devices, const struct device *device,
	const char *attribute, char *buf, size_t size);
