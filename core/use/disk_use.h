/* SPDX-License-Identifier: MIT */
/* The disks that the host uses. */
#pragma once

#include "core/use/host_use.h"

/* Appends a problem when the device carries a disk in use: mounted or swapped on, itself, one of
 * its partitions, or whatever device-mapper, md, a loop device and the like have built upon it. */
void usage_check_disk(
	const struct usage *usage, struct pci_address address, struct core_problems *problems);

/* Whether the device carries any disk, used or not. */
bool usage_has_disk(const struct usage *usage, struct pci_address address);
