/* SPDX-License-Identifier: MIT */
/*
 * Who may change devices: root, members of group vfiod, and, of a daemon that was not started as
 * root, its own user.
 *
 * This folder includes core/ and rpc/ and nothing else of the tool: callers.c asks lookups.c, which
 * asks membership.c by a function that it is given.
 */
#pragma once

#include "rpc/service/call.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct lookups;
struct caller_names;

/* Stays where it is once it is filled in: the rights ask it. */
struct callers {
	uid_t owner;	/* who started the daemon */
	bool simulated; /* the host is not the real one: nothing to protect */
	bool has_group; /* there is a group vfiod */
	gid_t group;
	struct lookups *lookups;
	struct rpc_rights rights; /* for both faces */
	struct caller_names *names;
};

/* Looks up the group. Before privileges are dropped. 0, or a negative errno. */
int callers_init(struct callers *callers, bool simulated);

/* Writes the name of a user who was asked about, or of root; "" for another. Never blocks, takes
 * struct callers *. Thread-safe. */
void callers_name(void *callers, uid_t uid, char *ret, size_t size);

/* Waits, at most until deadline_ns (CLOCK_MONOTONIC), until nothing is asked of the user database
 * any more; from now on nothing is. False: it still does not answer. */
bool callers_drain(struct callers *callers, int64_t deadline_ns);

/* Frees what a drained struct holds. */
void callers_clear(struct callers *callers);
