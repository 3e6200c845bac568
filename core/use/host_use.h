/* SPDX-License-Identifier: MIT */
/*
 * What the host itself uses: the network interfaces and disks behind each PCI device.
 *
 * One snapshot serves a whole request. It is read from files below the root (sysfs links,
 * mountinfo, swaps, the routing tables), so that a simulated host shows its own use and not this
 * machine's. The files do not list every IPv4 address, so on the real host the kernel is asked for
 * these.
 */
#pragma once

#include "core/error.h"
#include "core/pci/sysfs.h"

struct usage;

/* Takes a snapshot. 0, or -1 with err. */
int usage_read(const struct sysfs *sysfs, struct usage **ret, struct core_error *err);

/* Appends a problem when the device carries an interface in use: one that is a member of a bond,
 * bridge or team, has something stacked upon it, or is up with a route or a global address. */
void usage_check_network(
	const struct usage *usage, struct pci_address address, struct core_problems *problems);

/* Appends a problem when the device carries a disk in use: mounted or swapped on, itself, one of
 * its partitions, or whatever device-mapper, md, a loop device and the like have built upon it. */
void usage_check_disk(
	const struct usage *usage, struct pci_address address, struct core_problems *problems);

/* Whether the device carries any disk, used or not. */
bool usage_has_disk(const struct usage *usage, struct pci_address address);

void usage_free(struct usage *usage);
static inline void usage_cleanup(struct usage **usage)
{
	usage_free(*usage);
}
