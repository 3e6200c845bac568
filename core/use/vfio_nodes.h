/* SPDX-License-Identifier: MIT */
/* The nodes by which a VFIO user opens a device: /dev/vfio/N and /dev/vfio/devices/vfioX. */
#pragma once

#include "core/helper/helper.h"
#include "core/pci/sysfs.h"

/* Sets owner and permissions of the device's nodes. Needs the right to, so it runs in the hand. 0
 * or errno; ENOENT when the device has no node, for no VFIO driver has it. */
int vfio_node_set(
	const struct sysfs *sysfs, struct pci_address address, const struct node_access *access);

/* Owner and mode of the device's first node, all of them set. 0 or errno. Any process may ask. */
int vfio_node_get(const struct sysfs *sysfs, struct pci_address address, struct node_access *ret);

/* Whether the nodes are as they should be. Any process may ask. */
bool vfio_node_is_set(
	const struct sysfs *sysfs, struct pci_address address, const struct node_access *access);
