/* SPDX-License-Identifier: MIT */
/*
 * The connections of an nng socket: how many there may be, whose, and who makes room.
 *
 * nng takes any number by itself, and keeps one that never says a word for as long as it stays. So
 * each is entered here by its descriptor when it is accepted, before nng has seen it, and leaves
 * when nng closes the descriptor. Those over Unix sockets and those over a network have places of
 * their own, for it takes no rights to open the latter.
 *
 * When all places of a kind are taken, the holder with most connections of that kind, the newcomer
 * counted, gives one up: of those without a request in hand, sorted into half-open ones, ones that
 * never asked and ones that did, whichever are most, the one idle for longest. A holder is a user
 * over a Unix socket, and over loopback where the system tells; else a host, of IPv6 a network.
 *
 * A connection whose replies the kernel has no more room for is blocked: its requests are left in
 * the kernel until it reads, so that it holds no more than it held then. One that does not read for
 * two seconds is let go.
 *
 * One that sends a frame which nng would refuse is let go, too, before nng has seen it.
 *
 * To let go is shutdown(2). nng closes the descriptor itself once a receive has found the end: to
 * have it close a connection that has requests coming in can hang it (rpc/nng/mend.c).
 */
#pragma once

#include "rpc/nng/dispatch.h"

#include <nng/nng.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct rpc_connection;
struct rpc_connections;

/* All borrowed, until rpc_connections_free. */
struct rpc_connections_config {
	unsigned places;	/* of each kind */
	uint16_t peer_protocol; /* what the other end is to say it speaks: SP's number */
	size_t receive_max;	/* bytes of a message from it; 0: it is to send none */

	/* Ask the kernel whose the other end of a loopback connection is, as it is accepted; or its
	 * address stands for it. */
	bool ask_owner;

	/* A connection is blocked, or has yet to say its greeting: rpc_connections_expire has to be
	 * called. From an nng thread that holds nng's locks. NULL: nobody is let go for not
	 * reading, and for silence only when somebody else connects. */
	void (*blocked)(void *arg);
	void *arg;
};

/* Watches the connections of a socket. NULL when memory is short. */
struct rpc_connections *rpc_connections_new(
	nng_socket socket, const struct rpc_connections_config *config);

/* Starts a listener of that socket, so that its connections are known. plain: they begin with SP's
 * greeting, not with TLS's. nng's error, or 0. */
int rpc_connections_listen(
	struct rpc_connections *table, nng_listener listener, bool network, bool plain);

/* A request came over a pipe. True: ret_caller is what rpc_connections_know was told. */
bool rpc_connections_begin(
	struct rpc_connections *table, nng_pipe pipe, struct rpc_caller *ret_caller);

/* Who sends requests over a pipe. */
void rpc_connections_know(
	struct rpc_connections *table, nng_pipe pipe, const struct rpc_caller *caller);

/* nng is about to be given a reply; one of its threads was busy with it for so long (0: not known).
 * False: nobody is there for it, and it is not to be given; else rpc_connections_handed has to
 * follow at once. */
bool rpc_connections_hand(struct rpc_connections *table, nng_pipe pipe, int64_t busy_ns);
void rpc_connections_handed(struct rpc_connections *table, nng_pipe pipe);

/* nng has taken the reply. */
void rpc_connections_end(struct rpc_connections *table, nng_pipe pipe);

/* Lets a connection go. */
void rpc_connections_drop(struct rpc_connections *table, nng_pipe pipe);

/* Lets go the one that has been blocked for longest; false: none is. */
bool rpc_connections_make_way(struct rpc_connections *table);

/* Lets go those that do not read, or say no greeting, and returns when to call again (now_ns;
 * INT64_MAX: when told). starved: no context is left to take a request, so those that wait to
 * answer lost connections are freed. */
int64_t rpc_connections_expire(struct rpc_connections *table, bool starved);

/* To be called after the socket has been closed; NULL is fine. */
void rpc_connections_free(struct rpc_connections *table);

/* For rpc/nng/mend.c alone. A descriptor listens: if it is the one that rpc_connections_listen has
 * opened on this thread, it becomes a listener. */
void rpc_connections_listens(int fd);

/* Likewise. The descriptor of a listener or connection is about to be closed: forgets it. */
void rpc_connections_close(struct rpc_connection *connection);
