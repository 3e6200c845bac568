/* SPDX-License-Identifier: MIT */
/*
 * Who may change devices: root, members of group vfiod, and, of a daemon that was not started as
 * root, its own user.
 */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

struct callers {
	uid_t owner;	/* who started the daemon */
	bool simulated; /* the host is not the real one: no netlink, and nothing to protect */
	bool has_group; /* there is a group vfiod */
	gid_t group;
};

/* Looks up the group. Before privileges are dropped. */
void callers_init(struct callers *callers, bool simulated);

/* Whether the user may; gid is the primary group when it is known, else (gid_t)-1. Reads the user
 * database. Thread-safe. Signature of rpc_server_config.may_change. */
bool callers_may_change(void *callers, uid_t uid, gid_t gid, pid_t pid);

/* Whether the owner of a loopback connection's other end may: sock_diag tells whose socket it is.
 * Signature of rest_config.may_change. */
bool callers_may_change_http(void *callers, const struct sockaddr *peer, socklen_t peer_len,
	const struct sockaddr *local, socklen_t local_len);
