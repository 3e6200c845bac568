/* SPDX-License-Identifier: MIT */
/* The PCI functions behind a member of a sysfs class: a disk, a network interface. */
#pragma once

#include "core/pci/address.h"

#include <stddef.h>

/* Calls fn for every PCI function in target, the path that a class member's link leads to. The last
 * one is the member's own device. Those above it count too: an Intel VMD takes the member along,
 * though its class is not that of a bridge. With native multipath an NVMe namespace is below its
 * subsystem, which is below no PCI function; fn is then called for the functions of the subsystem's
 * controllers. A controller over Fibre Channel hangs on the host's adapter. Stops when fn returns
 * non-zero, and returns that; else returns 0. */
int class_link_functions(int root_fd, const char *target,
	int (*fn)(void *arg, struct pci_address address), void *arg);

/* Writes by what the member hangs on the function at the address, for a sentence, if that is not
 * its own device: " on PCI device 10000:e1:00.0", " over Fibre Channel"; else "". */
void class_link_chain(const char *target, struct pci_address address, char *buf, size_t size);
