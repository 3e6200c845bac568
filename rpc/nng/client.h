/* SPDX-License-Identifier: MIT */
/* The client: a stub for the services of a server elsewhere. */
#pragma once

#include "core/base/fault.h"
#include "rpc/nng/tls.h"
#include "rpc/service/call.h"

struct rpc_client;

/* All borrowed until rpc_client_open returns; all zero is fine for ipc:// and tcp://. */
struct rpc_client_options {
	const char *api_key;	 /* NULL: none; presented with each request */
	struct rpc_tls tls;	 /* for tls+tcp:// */
	const char *server_name; /* what the server's certificate must say; NULL: the URL's host */
};

/* Makes a client of the server at the URL. Connects when the first call is made, and again whenever
 * the connection is lost. 0, or a negative errno with a sentence in fault. */
int rpc_client_open(const char *url, const struct rpc_client_options *options,
	struct rpc_client **ret_client, struct fault *fault);

/* The stub of a service; borrowed, gone with the client. NULL: more than 8 services, or memory is
 * short. Thread-safe.
 *
 * Its methods take a struct rpc_call as closure_data and use its method and deadline; peer is of no
 * matter, the server knows who calls. They return at once (connecting to ipc:// and loopback
 * included, which takes as long as the server's kernel) and are done on an nng thread, or before
 * they return. Changes carry a random request_id, and a request whose connection is lost is sent
 * again, so that the server runs it once. Failures of the transport are UNAVAILABLE (nobody
 * listens), PERMISSION_DENIED (the socket is not ours to open), DEADLINE_EXCEEDED,
 * INVALID_ARGUMENT (the request is over 256 KiB) and INTERNAL (the answer cannot be read). */
ProtobufCService *rpc_client_service(
	struct rpc_client *client, const ProtobufCServiceDescriptor *descriptor);

/* Ends calls in flight with UNAVAILABLE, waits for their `done` to return, and frees; NULL is fine.
 * Not from a `done`. */
void rpc_client_close(struct rpc_client *client);
