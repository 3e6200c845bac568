/* SPDX-License-Identifier: MIT */
/* The PCI functions behind a member of a sysfs class: a disk, a network interface. */
#pragma once

#include "core/pci/address.h"

/* Calls fn for every PCI function in the path that a class member's link leads to. The last one is
 * the member's own; but an Intel VMD above it, which is no bridge by its class, takes the member
 * along. With native multipath an NVMe namespace is below its subsystem, and no PCI function is
 * above that: fn is then called for those of the subsystem's controllers. Stops when fn returns
 * non-zero, and returns that; else 0. */
int class_link_functions(int root_fd, const char *target,
	int (*fn)(void *arg, struct pci_address address), void *arg);
