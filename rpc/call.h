/* SPDX-License-Identifier: MIT */
/*
 * The seam between the faces and the services.
 *
 * A service is a ProtobufCService: the local implementation, or the client stub of a daemon
 * elsewhere; rpc/server and rest/ cannot tell which. Its closures carry no status, deadline or
 * peer, so closure_data is always a struct rpc_call, which does.
 *
 * The rules of one call:
 * - The face fills in the call, invokes, and gets `done` exactly once, perhaps before the
 *   invocation returns, perhaps later on another thread.
 * - A NULL message means failure, told in call->status. A message is the service's, and gone when
 *   `done` returns.
 * - The request message and the call must live until `done`. Whoever answers its client earlier
 *   (the deadline passed, the client went away) keeps both until then.
 */
#pragma once

#include "rpc/method.h"
#include "rpc/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Who calls, as far as the transport can tell. */
struct rpc_peer {
	bool may_change; /* root, a member of group vfiod, or a valid API key: the face decides */
	bool has_ids;	 /* uid, gid and pid below are known */
	uid_t uid;
	gid_t gid;
	pid_t pid;
	char text[80]; /* for logs and the audit trail: "uid 1000 pid 42", "127.0.0.1:40312" */
};

/* One call in progress. Faces embed it as the first member of their own per-call object. */
struct rpc_call {
	const struct rpc_method *method;
	struct rpc_peer peer;
	int64_t deadline_ns;	 /* CLOCK_MONOTONIC; when the caller stops waiting */
	Rpc__V1__Status *status; /* owned by the call; set by the service before done(NULL) */
};

/* Milliseconds a caller waits when it does not say: 5000 for reads, 30000 for changes
 * (spec/rpc.md). */
uint32_t rpc_method_default_timeout_ms(const struct rpc_method *method);

/* Now, on CLOCK_MONOTONIC, in nanoseconds. */
int64_t rpc_now_ns(void);

/* Records a failure: replaces call->status. The service then calls done(NULL, call). */
void rpc_call_fail(struct rpc_call *call, enum rpc_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Invokes call->method on service. Refuses with PERMISSION_DENIED when the method changes
 * devices and the peer may not, and with DEADLINE_EXCEEDED when the deadline has passed already;
 * then `done` gets NULL at once. service must implement call->method->service. */
void rpc_invoke(ProtobufCService *service, struct rpc_call *call, const ProtobufCMessage *request,
	ProtobufCClosure done);

/* The service of the array (NULL-terminated) that implements the method, or NULL. */
ProtobufCService *rpc_service_for(
	ProtobufCService *const *services, const struct rpc_method *method);
