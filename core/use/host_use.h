/* SPDX-License-Identifier: MIT */
/*
 * What the host itself uses: a snapshot for disk_use.h and net_use.h.
 *
 * One snapshot serves a whole request. It is read from files below the root (sysfs links,
 * mountinfo, swaps, the routing tables), so that a simulated host shows its own use and not this
 * machine's. The files do not list every IPv4 address, so on the real host the kernel is asked for
 * these.
 */
#pragma once

#include "core/error.h"
#include "core/pci/sysfs.h"

#include <ifaddrs.h>

/* A network interface or a block device, and a PCI function that it would leave with. */
struct part {
	struct pci_address address;
	char name[64];
	char chain[48]; /* by what it hangs on the function (class_link_chain) */
};

struct parts {
	struct part *items; /* owned */
	size_t count;
};

/* A loop device, and the file or disk below it. The kernel does not tell of it as a holder. */
struct loop {
	char name[64];
	char below[64];
};

struct loops {
	struct loop *items; /* owned */
	size_t count;
};

struct usage {
	const struct sysfs *sysfs;
	struct parts nets, disks;
	struct loops loops;
	char *mountinfo, *swaps, *routes, *fib, *addresses6, *routes6, *pppoe,
		*packets;	   /* NULL where the host has none */
	struct ifaddrs *addresses; /* of the running kernel; NULL on a simulated host */
};

/* Takes a snapshot. 0, or -1 with err. */
int usage_read(const struct sysfs *sysfs, struct usage **ret, struct core_error *err);

/* Copies the next line of *text into buf, cut to its size, and moves *text past it. False at the
 * end; NULL is an empty text. */
bool usage_next_line(const char **text, char *buf, size_t size);

void usage_free(struct usage *usage);
static inline void usage_cleanup(struct usage **usage)
{
	usage_free(*usage);
}
