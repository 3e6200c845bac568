/* SPDX-License-Identifier: MIT */
/*
 * Who may change devices: root, members of group vfiod, and, of a daemon that was not started as
 * root, its own user.
 */
#pragma once

#include "rpc/call.h"

#include <stdbool.h>
#include <sys/types.h>

struct callers {
	uid_t owner;	/* who started the daemon */
	bool simulated; /* the host is not the real one: nothing to protect */
	bool has_group; /* there is a group vfiod */
	gid_t group;
	struct rpc_rights
		rights; /* for both faces; asks this struct, which must stay where it is */
};

/* Looks up the group. Before privileges are dropped. */
void callers_init(struct callers *callers, bool simulated);
