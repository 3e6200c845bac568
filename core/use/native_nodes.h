/* SPDX-License-Identifier: MIT */
/*
 * The nodes below /dev by which programs use a device's native driver.
 *
 * Every node that sysfs links to the device counts, whatever its class: the links of /sys/dev/char
 * and /sys/dev/block lead through the folders of all PCI functions that the node hangs on. What
 * sysfs does not link to a device is in core/use/unlinked_nodes.h. VFIO's own nodes are not native
 * (core/use/vfio_nodes.h).
 *
 * Nothing here reads an attribute that could wait for a device's lock, except native_node_name.
 */
#pragma once

#include "core/use/node_numbers.h"

enum { NODES_MAX = 16384 }; /* of all devices of one look */

/* Finds the nodes of these devices. Of each node found, the address says which device it hangs on.
 * 0 or errno; E2BIG when there are more than NODES_MAX. What could not be looked at must not count
 * as unused. */
int native_nodes_find(const struct sysfs *sysfs, const struct pci_address *addresses, size_t n,
	struct node_numbers *ret);

/* Finds which of the devices have any node: has[i] belongs to addresses[i]. 0 or errno. */
int native_nodes_have(
	const struct sysfs *sysfs, const struct pci_address *addresses, size_t n, bool *has);

/* The node's path as udev names it, "/dev/ptp0"; "char 247:0" for one that has no name. Read at the
 * first call. In the privileged helper only, because it may wait for a lock of the kernel's. */
const char *native_node_name(const struct sysfs *sysfs, struct node_number *node);

/* Whether the host's console is on a frame buffer, which is the first unless the kernel was told
 * otherwise (Documentation/fb/fbcon.rst). Waits for the console's lock. */
bool native_nodes_show_console(int root_fd);

/* Whether the first frame buffer hangs on the device. */
bool native_nodes_have_console(const struct sysfs *sysfs, struct pci_address address);
