/* SPDX-License-Identifier: MIT */
/* Where a device was before vfiod changed it. */
#pragma once

#include "core/pci/device.h"
#include "core/use/vfio_nodes.h"

/* Tells a device from another one that has its address later. */
struct device_identity {
	uint16_t vendor, device, subsystem_vendor, subsystem_device;
};

/* The driver and the override that a device had at some time. In a record, before vfiod bound it.
 */
struct device_origin {
	struct pci_address address;
	struct device_identity identity;
	char driver[DRIVER_NAME_SIZE]; /* "" for none */
	char override[OVERRIDE_SIZE];  /* "" for none */
	struct node_access access;     /* wished for its VFIO nodes */
	uint32_t idle_use_count; /* its device_use_count when its VFIO driver got it: nobody's */
	/* In an intent, the binding it had. In a record, the one that vfiod made; link 0: the
	 * device was left without a driver; folder 0: an older version did not say. */
	struct device_inodes binding;
};

/* The records of all devices, sorted by address. */
struct origin_list {
	size_t count;
	struct device_origin items[];
};

static inline struct device_identity device_identity_of(const struct device *d)
{
	return (struct device_identity){
		d->vendor, d->device, d->subsystem_vendor, d->subsystem_device};
}

static inline bool device_identity_equal(struct device_identity a, struct device_identity b)
{
	return a.vendor == b.vendor && a.device == b.device &&
	       a.subsystem_vendor == b.subsystem_vendor && a.subsystem_device == b.subsystem_device;
}
