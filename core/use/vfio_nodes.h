/* SPDX-License-Identifier: MIT */
/* The nodes by which a VFIO user opens a device: /dev/vfio/N and /dev/vfio/devices/vfioX. */
#pragma once

#include "core/pci/sysfs.h"

#include <stdbool.h>
#include <stdint.h>

/* Owner and mode for a device's VFIO nodes. All zero changes nothing. */
struct node_access {
	bool has_uid, has_gid, has_mode; /* which of these to set */
	uint32_t uid, gid;
	uint32_t mode; /* permission bits, NODE_MODE_MAX at most */
	uint64_t link; /* inode of the device's driver link while it is in the binding that this is
			* for; 0: in any. Not on disk. */
};

static inline bool node_access_any(const struct node_access *a)
{
	return a->has_uid || a->has_gid || a->has_mode;
}

/* Others must never open a node: who has it reads and writes memory through the device. */
enum { NODE_MODE_MAX = 0660 };

/* The user and group that the daemon runs as, which must not get a node. */
struct helper_client {
	bool is_known; /* false: it has the privileged helper's own rights, and there is nothing to
			* keep from it
			*/
	uint32_t uid, gid; /* it has no other groups */
};

/* Sets owner and mode of the device's nodes. Runs in the privileged helper, which has the right to.
 * 0 or errno; ENOENT when the device has no node, because no VFIO driver has it; ESTALE when it is
 * in another binding than access is for: then nothing was changed, also if it changed hands
 * meanwhile. */
int vfio_node_set(
	const struct sysfs *sysfs, struct pci_address address, const struct node_access *access);

/* Reads owner and mode of the device's first node. 0 or errno. Needs no privileges. */
int vfio_node_get(const struct sysfs *sysfs, struct pci_address address, struct node_access *ret);

/* Whether the nodes have that owner and mode. Needs no privileges. */
bool vfio_node_is_set(
	const struct sysfs *sysfs, struct pci_address address, const struct node_access *access);
