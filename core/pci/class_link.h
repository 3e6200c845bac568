/* SPDX-License-Identifier: MIT */
/* The PCI functions behind a member of a sysfs class: a disk, a network interface. */
#pragma once

#include "core/pci/address.h"

/* Calls fn for every PCI function in target, the path that a class member's link leads to. The last
 * one is the member's own device. Those above it count too: an Intel VMD takes the member along,
 * though its class is not that of a bridge. With native multipath an NVMe namespace is below its
 * subsystem, which is below no PCI function; fn is then called for the functions of the subsystem's
 * controllers. Stops when fn returns non-zero, and returns that; else returns 0. */
int class_link_functions(int root_fd, const char *target,
	int (*fn)(void *arg, struct pci_address address), void *arg);
