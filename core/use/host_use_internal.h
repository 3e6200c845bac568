/* SPDX-License-Identifier: MIT */
/* The snapshot of host_use.h, for host_use.c, disk_use.c and net_use.c. */
#pragma once

#include "core/use/host_use.h"

#include <ifaddrs.h>

/* A network interface or a block device, and a PCI function that it would leave with. */
struct part {
	struct pci_address address;
	char name[64];
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
	char *mountinfo, *swaps, *routes, *fib, *addresses6,
		*routes6;	   /* NULL where the host has none */
	struct ifaddrs *addresses; /* of the running kernel; NULL on a simulated host */
};

/* Takes the next line off *text, without changing what others read: copied into buf and cut. */
bool usage_next_line(const char **text, char *buf, size_t size);
