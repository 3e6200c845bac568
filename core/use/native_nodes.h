/* SPDX-License-Identifier: MIT */
/*
 * The nodes below /dev by which programs use a device's native driver: DRM, NVIDIA, accelerators,
 * frame buffers, sound, InfiniBand, USB, disks.
 */
#pragma once

#include "core/pci/address.h"

#include <stdbool.h>
#include <stddef.h>

enum { NODES_MAX = 1024, NODE_SIZE = 40 };

/* Names as they are in /proc/PID/fd; one that ends in a slash stands for all below it. */
struct nodes {
	size_t count;
	bool is_incomplete; /* there may be more, which must not count as unused */
	char names[NODES_MAX][NODE_SIZE];
};

/* Finds the device's nodes, by sysfs and proc below root_fd. */
void nodes_find(int root_fd, struct pci_address address, struct nodes *ret);

/* Whether the device has any node, or that could not be found out. */
bool nodes_any(int root_fd, struct pci_address address);

/* Whether the kernel itself uses one of the disks among them: a mount, a swap, an array, a volume,
 * or a ZFS pool, which sysfs does not show. Opens the node exclusively, which needs privileges and
 * disturbs nobody. */
bool nodes_claimed(int root_fd, const struct nodes *nodes);

/* Whether the host's console is on a frame buffer, which is the first unless the kernel was told
 * otherwise (Documentation/fb/fbcon.rst). Waits for the console's lock. */
bool nodes_show_console(int root_fd);

/* Whether the path of an open file is one of them. */
bool nodes_match(const struct nodes *nodes, const char *path);
