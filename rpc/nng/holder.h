/* SPDX-License-Identifier: MIT */
/*
 * Tells who holds a connection: a user of this host, or another host.
 *
 * It is a user over a Unix socket, and over loopback where the kernel tells whose the other end is;
 * else a host, of IPv6 a network.
 */
#pragma once

#include "rpc/service/owner.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* A holder, to be compared with memcmp. */
struct rpc_holder_key {
	bool is_uid;
	uint8_t id[16]; /* a uid, or an IPv6 address, perhaps cut */
};

/* Asks the kernel whose the other end of a loopback connection is. Thread-safe. */
struct rpc_holder_query {
	bool ask; /* or the address stands for its user */
	pthread_mutex_t lock;
	struct rpc_owner_query owners; /* under the lock */
};

/* Opens and closes a query. Opening may take a while the first time (rpc_owner_query_prepare). */
void rpc_holder_query_open(struct rpc_holder_query *query, bool ask);
void rpc_holder_query_close(struct rpc_holder_query *query);

/* Who holds a connection just accepted; *ret_key is all zero before. Does not block. */
void rpc_holder_find(struct rpc_holder_query *query, bool network, int fd,
	const struct sockaddr *peer, struct rpc_holder_key *ret_key);
