/* SPDX-License-Identifier: MIT */
/* Inside of bind and unbind: a change while it is made. */
#pragma once

#include "core/engine.h"

/* Owner and mode that a device's nodes had. */
struct node_state {
	struct pci_address address;
	struct node_access access;
};

/* A change in progress. */
struct change {
	struct host *host;
	struct plan_request wish;
	const struct change_request *request;
	struct address_list targets;  /* the request's, then those added */
	struct device **devices;      /* of the targets, looked at under the lock */
	struct facts facts;	      /* of the devices */
	struct device_origin *before; /* of the devices that have steps */
	size_t n_before;
	uint64_t *keys; /* of the groups */
	struct keylock_hold hold;
	bool held;
	struct plan plan;
	int64_t intent;
	struct node_state *nodes; /* of the devices that are bound already, as they were */
	size_t n_nodes;
};

bool change_is_bind(const struct change *c);

/* Whether the i-th target has anything to be done. */
bool change_has_steps(const struct change *c, size_t i);

/* "bind", "unbind" or "free": the intent's name. */
const char *change_what(const struct change *c);

/* Gives the nodes of all targets the owner and mode that were asked for, if any were. 0, or -1 with
 * err. */
int change_set_nodes(struct change *c, struct core_error *err);

/* Whether the i-th target is on a native driver that another tool gave it to, and has a record of
 * ours still: unbinding ends that, for it is where it belongs. One without a driver keeps its, for
 * the bind after which it is given back. */
bool change_is_stale(const struct change *c, size_t i);

/* Ends the intent with what the change made true. 0, or -1 with err: it is to be undone then. */
int change_end(struct change *c, struct core_error *err);

/* Brings every device back that the first n_begun steps touched, last first, and the nodes of those
 * that were bound already. Adds to err, the reason for it, what could not be undone and what
 * becomes of it. */
void change_undo(struct change *c, size_t n_begun, struct core_error *err);

/* What the change came to, or would. The plan is taken from c. 0, or -1 with err; of a change that
 * was made only for lack of memory. */
int change_fill_result(struct change *c, struct change_result *result, struct core_error *err);
