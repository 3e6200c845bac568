/* SPDX-License-Identifier: MIT */
/* Whether the kernel itself uses a disk, which sysfs does not always show. */
#pragma once

#include "core/pci/sysfs.h"
#include "core/use/holders.h"

/* A disk that could not be examined: its node, and errno. */
struct blind_spot {
	int error; /* 0: there is none */
	char node[NODE_SIZE];
};

/* What to do about one. */
#define BLIND_ACTION                                                                               \
	"run vfiod as root and let it see the host's disks: PrivateDevices=no and DeviceAllow=block-* r in its unit, the host's /dev in a container"

/* Whether the kernel itself uses one of the device's disks: a mount, a swap, an array, a volume, or
 * a ZFS pool. Opens the node exclusively, which needs privileges and disturbs nobody. *ret_blind is
 * the first disk that may be in use as far as could be seen: its node is missing, is no block
 * device, is another disk's, or cannot be opened. A simulated host's nodes open nothing, and need
 * not be there. */
bool disk_claim_any(
	const struct sysfs *sysfs, struct pci_address address, struct blind_spot *ret_blind);

/* Finds the first disk of any PCI device that disk_claim_any could not examine. Claims none. */
void disk_claim_find_blind(const struct sysfs *sysfs, struct blind_spot *ret);
