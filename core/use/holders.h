/* SPDX-License-Identifier: MIT */
/*
 * Which processes have VFIO files, or a device's other nodes, open or mapped.
 *
 * Searches /proc below the root. This needs the right to look into other users' processes, so it
 * runs in the privileged helper. A process that is stuck in the kernel can delay it.
 *
 * No single sign is sufficient: a mapping outlives its file, and an open cdev leaves `enable` at 0.
 * So every sign is reported, and the caller decides. Opening the nodes to find out would break a
 * virtual machine that is starting.
 */
#pragma once

#include "core/error.h"
#include "core/pci/sysfs.h"

#include <stdint.h>

enum { NODE_SIZE = 40 }; /* of a node's path, cut to fit */

/* What a holder has. */
enum hold {
	HOLD_GROUP,   /* /dev/vfio/N: id is N */
	HOLD_DEVICE,  /* /dev/vfio/devices/vfioN: id is N */
	HOLD_FILE,    /* a VFIO device file: address when has_address */
	HOLD_MAPPING, /* a mapped region of a VFIO device file, of any device */
	HOLD_NODE,    /* a native node of the device at address: node is its path */
};

struct holder {
	int32_t pid;
	int32_t id;
	uint32_t hold; /* enum hold */
	uint32_t has_address;
	struct pci_address address;
	char command[16];
	char node[NODE_SIZE];
};

/* What was found. */
struct holders {
	struct holder *items; /* owned */
	size_t count;
	bool is_truncated; /* there were more than the limit */
};

/* Who has VFIO's nodes and devices open. 0 or errno. */
int holders_of_vfio(const struct sysfs *sysfs, struct holders *ret);

/* Who has a VFIO device mapped, perhaps with its files closed. Slow, because it reads the memory
 * map of every process: for when `enable` tells of a user and no file does. 0 or errno. */
int holders_of_mappings(const struct sysfs *sysfs, struct holders *ret);

/* Who has a native node of one of these devices open; who has one of two of them is listed twice.
 * Reads /proc once, whatever n. 0 or errno. */
int holders_of_nodes(const struct sysfs *sysfs, const struct pci_address *addresses, size_t n,
	struct holders *ret);

/* Writes who it is and what it has, for a problem. */
void holder_describe(const struct holder *holder, struct core_holder *ret);

/* Appends a holder. False when memory is short or there are too many. */
bool holders_add(struct holders *holders, const struct holder *holder);

void holders_clear(struct holders *holders);
