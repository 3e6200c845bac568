/* SPDX-License-Identifier: MIT */
/*
 * Gives the nodes of bound devices the owner and mode that were asked for, and keeps them so.
 *
 * The kernel makes a node root's alone and udev's rules come a moment later; a rule that runs again
 * (udevadm trigger, a change event) would take a virtual machine's node away from its user. So the
 * wish is part of the device's record, and a thread follows the folder with inotify.
 */
#pragma once

#include "core/record/store.h"

#include <stdbool.h>

struct host;
struct node_keeper;

/* Makes one; its thread starts with the first wish. NULL when memory is short. */
struct node_keeper *node_keeper_new(struct host *host);

/* Sets a bound device's nodes once udev has come to rest. Blocks until deadline (CLOCK_MONOTONIC,
 * ns) at most. 0, or -1 with err. Any thread. */
int node_keeper_set(struct host *host, struct pci_address address, const struct node_access *access,
	int64_t deadline, struct core_error *err);

/* Looks at all recorded wishes now, and from here on whenever a node changes: after a start, or a
 * record with a wish. */
void node_keeper_nudge(struct node_keeper *keeper);

/* Ends the thread. False when it has not ended by deadline: nothing may be freed then. */
bool node_keeper_stop(struct node_keeper *keeper, int64_t deadline);

/* Frees what has stopped; NULL is fine. */
void node_keeper_free(struct node_keeper *keeper);
