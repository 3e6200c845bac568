/* SPDX-License-Identifier: MIT */
/* A change while it is being made: what bind and unbind share. */
#pragma once

#include "core/base/keylock.h"
#include "core/change/request.h"
#include "core/record/intent.h"

struct host;

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
	struct address_list targets; /* the request's, then those added */
	struct device **devices;     /* of the targets, looked at under the lock */
	struct facts facts;	     /* of the devices */
	uint64_t *keys;		     /* of the groups */
	struct keylock_hold hold;
	bool held;
	struct plan plan;
	struct intent *intent;	  /* with the devices that have steps, in their order */
	struct node_state *nodes; /* of the devices that are bound already, as they were */
	size_t n_nodes;
};

/* Whether it is a bind. */
static inline bool change_is_bind(const struct change *c)
{
	return c->wish.goal == PLAN_TO_VFIO;
}

/* Whether the plan has steps for the i-th target. */
static inline bool change_has_steps(const struct change *c, size_t i)
{
	return plan_needs(&c->wish, &c->facts.devices[i]);
}

/* Gives the nodes of all targets the owner and mode that were asked for, if any were. 0, or -1 with
 * err. */
int change_set_nodes(struct change *c, struct core_error *err);

/* Makes a change as a whole or not at all. Blocks until the request's deadline at most, so it
 * belongs on a worker thread. 0 with *ret, which the caller frees with change_result_clear, or -1
 * with err. */
int change_run(struct host *host, enum plan_goal goal, const struct change_request *request,
	struct change_result *ret, struct core_error *err);
