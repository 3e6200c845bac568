/* SPDX-License-Identifier: MIT */
/*
 * What VFIO users have of a device that is itself on a native driver: mediated devices that its
 * driver makes of it, and PCI devices behind it though it is no bridge, as behind an Intel VMD.
 */
#pragma once

#include "core/error.h"
#include "core/use/holders.h"

/* One of them. */
struct carried_device {
	bool is_mediated;	    /* else a PCI device on a VFIO driver */
	char name[64];		    /* its UUID, or its address */
	char driver[64];	    /* "" for none */
	struct pci_address address; /* of a PCI device */
	int32_t group, vfio_id;	    /* by which a user opens it; -1 for none */
};

struct carried {
	struct carried_device *items; /* owned */
	size_t count;
};

/* Finds what the device carries. 0 or errno: what could not be looked at must not count as unused.
 */
int carried_read(const struct sysfs *sysfs, struct pci_address address, struct carried *ret);

/* Appends a problem for each, with those of the VFIO users who have it. All of them count, used or
 * not: they were made for somebody, and end with the device's driver. */
void carried_check(const struct carried *carried, const struct holders *files,
	struct pci_address address, struct core_problems *problems);

void carried_clear(struct carried *carried);
