/* SPDX-License-Identifier: MIT */
/* Nodes that belong to a device although sysfs does not link them to it. */
#pragma once

#include "core/use/node_numbers.h"

/* Called for each node found; index is what the caller gave. Ends the search when it is not 0. */
typedef int unlinked_node_fn(void *arg, const struct node_number *node, size_t index);

/* Finds such nodes of the device, by the tables in the .c file. 0, errno, or what fn returned. */
int unlinked_nodes_find(const struct sysfs *sysfs, struct pci_address address, size_t index,
	unlinked_node_fn *fn, void *arg);
