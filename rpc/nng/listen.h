/* SPDX-License-Identifier: MIT */
/* Opens and closes the listeners of one nng socket. */
#pragma once

#include "rpc/nng/connections.h"
#include "rpc/nng/tls.h"

#include <nng/nng.h>
#include <sys/types.h>

/* Where to listen and for whom. All borrowed. */
struct rpc_listen_config {
	nng_socket socket;
	struct rpc_connections *connections; /* the socket's */
	const char *urls;		     /* separated by commas; at least one */
	mode_t ipc_mode;		     /* 0: 0660 */
	gid_t ipc_gid;	     /* who owns ipc:// sockets beside us; (gid_t)-1: our own group */
	const char *api_key; /* NULL: none; then tls+tcp:// needs client certificates */
	struct rpc_tls tls;
};

struct rpc_listeners;

/* Listens at every URL, or at none. 0, or a negative errno with a sentence in fault. */
int rpc_listeners_open(const struct rpc_listen_config *config, struct rpc_listeners **ret_listeners,
	struct fault *fault);

/* Where the n-th one can be reached, with the port it got; NULL: there are not as many. Borrowed.
 */
const char *rpc_listeners_url(const struct rpc_listeners *listeners, size_t n);

/* Closes all, with the connections they took; NULL is fine. */
void rpc_listeners_close(struct rpc_listeners *listeners);
