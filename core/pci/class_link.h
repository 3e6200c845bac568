/* SPDX-License-Identifier: MIT */
/* What PCI functions a member of a sysfs class (a disk, a network interface) hangs on. */
#pragma once

#include "core/pci/address.h"

/* Calls fn for every PCI function in the path that a class member's link leads to: it hangs on the
 * last, but an Intel VMD above that is no bridge by its class and takes it along. With native
 * multipath an NVMe namespace hangs on its subsystem, which no PCI function is above; then those of
 * the subsystem's controllers. Stops when fn returns non-zero, and returns that; else 0. */
int class_link_functions(int root_fd, const char *target,
	int (*fn)(void *arg, struct pci_address address), void *arg);
