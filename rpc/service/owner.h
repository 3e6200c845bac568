/* SPDX-License-Identifier: MIT */
/*
 * Tells which user owns the other end of a TCP connection of this host.
 *
 * The kernel is asked for it (sock_diag). What it answers is true of a moment, and of an address
 * and port: of a socket whose process has closed it, it says user 0, which is root; and a port that
 * was let go of may be another user's by the time of the question. So a connection has an owner
 * only while both of its ends are open, and it is asked when it has just been accepted, not when
 * the rights are needed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/* A netlink socket to ask with, opened at the first question and again after trouble. For one
 * thread at a time. */
struct rpc_owner_query {
	int fd; /* -1: not open */
	uint32_t sequence;
};

#define RPC_OWNER_QUERY_INIT                                                                       \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* Opens the netlink socket and has the kernel load what it answers with, which takes a while the
 * first time: before anybody waits. */
void rpc_owner_query_prepare(struct rpc_owner_query *query);

/* Closes the netlink socket; it may be asked with again. */
void rpc_owner_query_close(struct rpc_owner_query *query);

/* The user who made the socket at the other end of fd, a connected TCP socket of ours. False, with
 * *ret untouched, for nobody: one of the two ends is closed or half closed, the other end is on
 * another host or in another network namespace, or the kernel could not be asked. Whoever the
 * socket was handed to since then has its rights. Does not
 * block. */
bool rpc_owner_of(struct rpc_owner_query *query, int fd, uid_t *ret);

/* The same where our end's descriptor is not at hand, from the addresses of both. This answers who
 * has the peer's address and port now, which may be another than who sent what has been received:
 * good enough to count someone's connections, never to give rights. */
bool rpc_owner_at(struct rpc_owner_query *query, const struct sockaddr *peer,
	const struct sockaddr *local, uid_t *ret);

/* Whether a connection is open in both directions: the peer has neither closed nor half closed it.
 * While it stays so, its addresses and ports are nobody else's. */
bool rpc_owner_is_there(int fd);
