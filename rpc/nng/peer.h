/* SPDX-License-Identifier: MIT */
/* Finds out who is at the other end of an nng pipe, and what they may do (docs/rpc.md, "Callers").
 */
#pragma once

#include "rpc/nng/dispatch.h"
#include "rpc/service/call.h"

#include <nng/nng.h>

/* What the rights of a caller depend on. */
struct rpc_peer_rules {
	const struct rpc_rights *rights; /* which users may; NULL: root alone */
	bool key_required;		 /* an API key is configured: tcp:// must present it */
	bool tls_certified;		 /* tls+tcp:// takes verified client certificates alone */
};

/* Fills in who holds a pipe. For a pipe already gone, someone without rights. Does not
 * block. */
void rpc_peer_of_pipe(
	nng_pipe pipe, const struct rpc_peer_rules *rules, struct rpc_caller *ret_caller);
