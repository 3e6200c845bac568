/* SPDX-License-Identifier: MIT */
/*
 * Opens an ipc:// listener whose socket has its owner and mode from the start.
 *
 * It is bound beside its path, given its owner and mode, and then renamed: there is never a moment
 * in which too many may open the socket, nor, where an abandoned one is replaced, one without.
 */
#pragma once

#include "core/base/fault.h"
#include "rpc/nng/connections.h"

#include <nng/nng.h>
#include <sys/types.h>

/* Of which socket, where, and for whom. All borrowed. */
struct rpc_ipc_config {
	nng_socket socket;
	struct rpc_connections *connections;
	const char *path; /* shorter than 96 bytes */
	mode_t mode;
	gid_t gid; /* (gid_t)-1: the process's own */
};

struct rpc_ipc;

/* Listens at the path, replacing a socket that nobody listens on. 0, or a negative errno with a
 * sentence in fault. */
int rpc_ipc_open(
	const struct rpc_ipc_config *config, struct rpc_ipc **ret_ipc, struct fault *fault);

/* Closes the listener with its connections and removes the socket from the path; NULL is fine. */
void rpc_ipc_close(struct rpc_ipc *ipc);
