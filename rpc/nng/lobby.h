/* SPDX-License-Identifier: MIT */
/* The lobby: where connections wait until they have sent SP's greeting. */
#pragma once

#include "rpc/nng/connection.h"

/* A lobby for a listener that has its descriptor. False: the kernel refuses one. */
bool rpc_lobby_open(struct rpc_connection *listener);

/* accept(2) of the next connection that has said the greeting. */
int rpc_lobby_accept(struct rpc_connection *listener);

/* epoll_ctl(2) for a listener: of its lobby. While nng has all the descriptors it may have, the
 * lobby is not polled for; an EMFILE would have nng sleep for ten milliseconds. */
int rpc_lobby_poll(struct rpc_connection *listener, int epoll, int op, struct epoll_event *event);

/* nng has closed a descriptor: has the lobbies polled for that were put off. The lock is held. */
void rpc_lobby_go_on(struct rpc_connections *table, bool network);

/* Closes all that are in a listener's lobby, and it. The lock is held. */
void rpc_lobby_close(struct rpc_connection *listener);
