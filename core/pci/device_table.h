/* SPDX-License-Identifier: MIT */
/* Inside of the device cache: what core/pci/device.c and core/pci/device_table.c share. */
#pragma once

#include "core/pci/device.h"

#include <pthread.h>

struct names;

struct devices {
	const struct sysfs *sysfs;
	struct names *names;	       /* under refresh_mutex; NULL: devices have none */
	struct names *own_names;       /* the same, or NULL when they are somebody else's */
	void *tree;		       /* of tsearch(3): devices by their address */
	pthread_mutex_t mutex;	       /* of the tree; held for no system call */
	pthread_mutex_t refresh_mutex; /* of whoever reads a device again; taken first */
};

/* Reads a device from sysfs into a fresh object with one reference. Caller holds refresh_mutex. 0
 * or a negative errno, -ENOENT when there is no such device. */
int device_open(const struct devices *devices, struct pci_address address, struct device **ret);

/* Reads a device again into a fresh object with one reference. Identity and directory are old's. 0
 * or a negative errno; -ENOENT when the device is gone, or old kept no directory. */
int device_renew(const struct devices *devices, const struct device *old, struct device **ret);

/* Reads the driver ("" for none). 0 or a negative errno; -ENOENT when the device is gone. */
int device_driver(const struct devices *devices, const struct device *device,
	char driver[static DRIVER_NAME_SIZE]);

/* As sysfs_link_name, for a link in the device's directory. */
ssize_t device_link(const struct devices *devices, const struct device *device,
	const char *attribute, char *buf, size_t size);
