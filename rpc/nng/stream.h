/* SPDX-License-Identifier: MIT */
/* Reads and sends of a connection, as nng is to see them (mend.c). */
#pragma once

#include "rpc/nng/connection.h"

/* Whether requests are to be read: what nobody is there to be answered for need not be. */
enum rpc_reading { RPC_READING_GOES_ON, RPC_READING_HELD, RPC_READING_ENDS };
enum rpc_reading rpc_stream_reading(struct rpc_connection *connection);

/* A read found its end. False: that must not be told yet, the read is to be tried again. */
bool rpc_stream_lost(struct rpc_connection *connection);

/* Takes what was read. False: nng would refuse it; it is not to be told, the connection ends. */
bool rpc_stream_take(struct rpc_connection *connection, const struct iovec *iovec, size_t got);

/* sendmsg(2) that sends all or, as nng sees it, nothing: with EAGAIN, what was sent is remembered,
 * and left out when the same message comes again. Over a lost connection nothing is sent. */
ssize_t rpc_stream_send(struct rpc_connection *connection, const struct msghdr *message, int flags);

/* Has nng take the next reply to a lost connection for sent, where it waits for nothing else. To be
 * called again and again. The lock is held. */
void rpc_stream_pass(struct rpc_connection *connection);

/* epoll_ctl(2). */
int rpc_stream_poll(
	struct rpc_connection *connection, int epoll, int op, struct epoll_event *event);
