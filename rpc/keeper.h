/* SPDX-License-Identifier: MIT */
/*
 * An ipc:// listener that stays alive, with the owner and mode it should have.
 *
 * In nng before 1.6, one connection that closes before its handshake stops an ipc:// listener for
 * good: connections are still taken, but nothing is ever read from them. Its statistics hint at it
 * (`other` rises, but it does so too whenever a client leaves); what proves it is a connection of
 * our own that ends in a reset, which a live listener counts and survives. The cure is a new
 * listener. Each listener is bound beside the path, given its owner and mode, and then renamed over
 * it: there is never a moment without a socket at the path, nor with one that too many may open.
 * The old listener is closed with its connections, for those that wait in vain are among them;
 * clients connect again by themselves, and what they had in flight is lost, as with any lost
 * connection. (nng never frees what waited in vain: a descriptor and 2 KB for each.)
 */
#pragma once

#include "rpc/text.h"

#include <nng/nng.h>
#include <sys/types.h>

/* Of which socket, where, and for whom. */
struct rpc_keeper_config {
	nng_socket socket;
	const char *path; /* copied; shorter than 96 bytes */
	mode_t mode;
	gid_t gid; /* (gid_t)-1: the process's own */
};

struct rpc_keeper;

/* Listens at the path, replacing a socket that nobody listens on. 0, or a negative errno with a
 * sentence in error. */
int rpc_keeper_open(const struct rpc_keeper_config *config, struct rpc_keeper **ret_keeper,
	char error[RPC_TEXT_ERROR]);

/* Whether this nng needs rpc_keeper_look at all. */
bool rpc_keeper_needed(void);

/* Renews the listener when it has died; to be called about ten times a second, by one thread. It
 * takes some calls to be sure. Takes 0.03 ms when all is well. True: it was renewed. */
bool rpc_keeper_look(struct rpc_keeper *keeper);

/* Closes the listener and removes the socket from the path; NULL is fine. */
void rpc_keeper_close(struct rpc_keeper *keeper);
