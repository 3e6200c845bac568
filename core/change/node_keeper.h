/* SPDX-License-Identifier: MIT */
/*
 * Gives the nodes of bound devices the requested owner and mode, and keeps them so.
 *
 * The kernel creates a node for root alone. udev applies its rules a moment later, and may apply
 * them again (udevadm trigger, a change event), which would take the node away from the user of a
 * virtual machine. So owner and mode are part of the device's record, and a thread watches the
 * folder with inotify.
 */
#pragma once

#include "core/record/store.h"

#include <stdbool.h>

struct host;
struct node_keeper;

/* Creates a keeper. Its thread starts with the first request for an owner or a mode. NULL when
 * memory is short. */
struct node_keeper *node_keeper_new(struct host *host);

/* Sets the nodes of a bound device, after udev has finished with them. Blocks until deadline
 * (CLOCK_MONOTONIC, ns) at most. 0, or -1 with err. Any thread. */
int node_keeper_set(struct host *host, struct pci_address address, const struct node_access *access,
	int64_t deadline, struct core_error *err);

/* Checks the nodes of all records now, and from then on whenever a node changes. To be called after
 * the start, and after a record with owner or mode was written. */
void node_keeper_nudge(struct node_keeper *keeper);

/* Ends the thread. False when it has not ended by the deadline (CLOCK_MONOTONIC, ns): the keeper
 * must not be freed then. */
bool node_keeper_stop(struct node_keeper *keeper, int64_t deadline);

/* Frees what has stopped; NULL is fine. */
void node_keeper_free(struct node_keeper *keeper);
