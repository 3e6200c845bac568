/* SPDX-License-Identifier: MIT */
/* The nodes by which a VFIO user opens a device: /dev/vfio/N and /dev/vfio/devices/vfioX. */
#pragma once

#include "core/pci/sysfs.h"

#include <stdbool.h>
#include <stdint.h>

/* Who may open a device's VFIO nodes. All zero leaves everything as it is. */
struct node_access {
	bool has_uid, has_gid, has_mode; /* which of these to set */
	uint32_t uid, gid;
	uint32_t mode; /* permission bits, NODE_MODE_MAX at most */
};

static inline bool node_access_any(const struct node_access *a)
{
	return a->has_uid || a->has_gid || a->has_mode;
}

/* Others may never open a node: whoever may read and write a device's memory as he likes. */
enum { NODE_MODE_MAX = 0660 };

/* Whom main runs as, who must not get a node. */
struct hand_client {
	bool is_known; /* false: it has the hand's own rights, and there is nothing to keep from it
			*/
	uint32_t uid, gid; /* it has no other groups */
};

/* Sets owner and permissions of the device's nodes. Needs the right to, so it runs in the hand. 0
 * or errno; ENOENT when the device has no node, for no VFIO driver has it. */
int vfio_node_set(
	const struct sysfs *sysfs, struct pci_address address, const struct node_access *access);

/* Owner and mode of the device's first node, all of them set. 0 or errno. Any process may ask. */
int vfio_node_get(const struct sysfs *sysfs, struct pci_address address, struct node_access *ret);

/* Whether the nodes are as they should be. Any process may ask. */
bool vfio_node_is_set(
	const struct sysfs *sysfs, struct pci_address address, const struct node_access *access);
