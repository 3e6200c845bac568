/* SPDX-License-Identifier: MIT */
/*
 * How many requests of one holder may wait to be served.
 *
 * nng has one queue for all that is ready, in which each connection with a request has a place: a
 * holder with 64 connections would be served 64 times as often as one with one. So of each holder
 * nng reads only a share: as many requests as one thread serves in a millisecond, judged by the
 * last ones. A connection that has another one waits for its turn, and the request in the kernel.
 * The one that has waited longest is next. A holder who has been alone for a while has all.
 *
 * For connection.c, connections.c and stream.c alone. Of all functions but the first: the table's
 * lock is held; the connection is not gone.
 */
#pragma once

#include "rpc/nng/connection.h"

/* Whether there are several holders, or there were of late. */
bool rpc_turns_are_taken(const struct rpc_connections *table);

/* Whether a connection may read. */
bool rpc_turns_may_read(const struct rpc_connection *connection);

/* It has read a request, and nng has begun with one. */
void rpc_turns_read(struct rpc_connection *connection);
void rpc_turns_begin(struct rpc_connection *connection);

/* It does not read now, although it may have been given a turn. */
void rpc_turns_return(struct rpc_connection *connection);

/* It is about to wait for the kernel to have something to read. False: there is, but it may not;
 * when its turn comes, it is released (rpc_connection_release). */
bool rpc_turns_wait(struct rpc_connection *connection);

/* One of nng's threads was busy with a request of the holder's for so long. */
void rpc_turns_charge(struct rpc_holder *holder, int64_t busy_ns);

/* It is going. */
void rpc_turns_leave(struct rpc_connection *connection);
