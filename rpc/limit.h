/* SPDX-License-Identifier: MIT */
/*
 * A bound on the connections of an nng socket, of which it takes any number by itself: each costs a
 * descriptor, and up to a whole message's memory.
 *
 * Those over Unix sockets and those over a network count apart, for it takes no rights to open the
 * latter.
 */
#pragma once

#include <nng/nng.h>

struct rpc_limit;

/* From now on the socket hangs up on connections beyond so many of either kind, right after the
 * handshake. NULL when memory is short. */
struct rpc_limit *rpc_limit_new(nng_socket socket, unsigned connections);

/* To be freed after the socket has been closed; NULL is fine. */
void rpc_limit_free(struct rpc_limit *limit);
