/* SPDX-License-Identifier: MIT */
/*
 * The nodes below /dev by which programs use a device's native driver: DRM, NVIDIA, accelerators,
 * frame buffers, sound, InfiniBand, USB, disks.
 */
#pragma once

#include "core/pci/sysfs.h"

enum { NODES_MAX = 1024, NODE_SIZE = 40 };

/* Names as they are in /proc/PID/fd; one that ends in a slash stands for all below it. */
struct nodes {
	size_t count;
	size_t first_disk;  /* from this one on they are of disks */
	bool is_incomplete; /* there may be more, which must not count as unused */
	char names[NODES_MAX][NODE_SIZE];
};

/* A disk that could not be examined: its node, and errno. */
struct blind_spot {
	int error; /* 0: there is none */
	char node[NODE_SIZE];
};

/* What to do about one. */
#define BLIND_ACTION                                                                               \
	"run vfiod as root and let it see the host's disks: PrivateDevices=no and DeviceAllow=block-* r in its unit, the host's /dev in a container"

/* Finds the device's nodes, by sysfs and proc below root_fd. */
void nodes_find(int root_fd, struct pci_address address, struct nodes *ret);

/* Whether the device has any node, or that could not be found out. */
bool nodes_any(int root_fd, struct pci_address address);

/* Whether the kernel itself uses one of the disks among them: a mount, a swap, an array, a volume,
 * or a ZFS pool, which sysfs does not show. Opens the node exclusively, which needs privileges and
 * disturbs nobody. *ret_blind is the first disk that may be in use as far as could be seen: its
 * node is missing, is no block device, is another disk's, or cannot be opened. A simulated host's
 * nodes open nothing, and need not be there. */
bool nodes_claimed(
	const struct sysfs *sysfs, const struct nodes *nodes, struct blind_spot *ret_blind);

/* Finds the first disk of any PCI device that nodes_claimed could not examine. Claims none. */
void nodes_find_blind(const struct sysfs *sysfs, struct blind_spot *ret);

/* Whether the host's console is on a frame buffer, which is the first unless the kernel was told
 * otherwise (Documentation/fb/fbcon.rst). Waits for the console's lock. */
bool nodes_show_console(int root_fd);

/* Whether the path of an open file is one of them. */
bool nodes_match(const struct nodes *nodes, const char *path);
