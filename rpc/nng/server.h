/* SPDX-License-Identifier: MIT */
/* The server: services behind an nng rep0 socket (docs/rpc.md). */
#pragma once

#include "core/base/fault.h"
#include "rpc/nng/tls.h"
#include "rpc/service/call.h"

/* All pointers are borrowed: services and rights until every call is done, the rest until
 * rpc_server_start returns. */
struct rpc_server_config {
	const char *urls;		   /* separated by commas: ipc://, tcp://, tls+tcp:// */
	ProtobufCService *const *services; /* NULL-terminated */
	unsigned contexts;		   /* requests in hand at once, 16 to 4096; 0: 64 */
	unsigned connections;		   /* over Unix sockets, and again over a network; 0: 512 */
	const char *api_key;		   /* NULL: none; then tcp:// is read-only */
	struct rpc_tls tls;		   /* for tls+tcp:// */
	mode_t ipc_mode;		   /* of ipc:// sockets; 0: 0660 */
	gid_t ipc_gid;			   /* their group; (gid_t)-1: the process's own */

	const struct rpc_rights *rights; /* which users may change devices, over ipc://; asked on
					    nng's threads. NULL: root alone */

	const struct rpc_observer *observer; /* told of changes; NULL: nobody */

	bool ask_owner; /* whose places a loopback TCP connection takes: the kernel is asked, or
			   its address tells */
};

struct rpc_server;

/* Listens and serves, on nng's threads and one of its own: fork before. Half of the contexts can
 * wait for changes and a little less than half for reads, so that neither keeps the other out and
 * a full queue is still answered. 0, or a negative errno with a sentence in fault. */
int rpc_server_start(const struct rpc_server_config *config, struct rpc_server **ret_server,
	struct fault *fault);

/* Where the n-th listener can be reached, with the port it got; NULL: there are not as many. */
const char *rpc_server_url(const struct rpc_server *server, size_t n);

/* Waits until nng's threads have come round: how long that takes tells whether they serve. */
void rpc_server_ping(struct rpc_server *server);

/* Refuses new requests with UNAVAILABLE, waits up to grace_ms for those in hand to be answered,
 * answers the rest with UNAVAILABLE and closes all connections. Blocks; not from a service. */
void rpc_server_stop(struct rpc_server *server, unsigned grace_ms);

/* Stops without grace if that has not been done, and frees. Calls that their service is not done
 * with keep what they need: services must stay until then. NULL is fine. Where nng itself is stuck
 * in closing (its 1.5 can be), the memory is left to the end of the process; do not call nng_fini.
 */
void rpc_server_free(struct rpc_server *server);
