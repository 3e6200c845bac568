/* SPDX-License-Identifier: MIT */
/*
 * The interface between transports and services.
 *
 * A service is a ProtobufCService: the local implementation, or the client stub of a daemon
 * elsewhere; rpc/nng/ and rest/ cannot tell which. Its closures carry no status, deadline or
 * peer, so closure_data is always a struct rpc_call, which does.
 *
 * The rules of one call:
 * - The transport fills in the call, invokes, and gets `done` exactly once, perhaps before the
 *   invocation returns, perhaps later on another thread.
 * - A NULL message means failure, told in call->status. A message is the service's, and gone when
 *   `done` returns.
 * - The request message and the call must live until `done`. Whoever answers its client earlier
 *   (the deadline passed, the client went away) keeps both until then.
 */
#pragma once

#include "rpc/service/method.h"
#include "rpc/service/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Whether a caller may change devices. */
enum rpc_may {
	RPC_MAY_NOT,
	RPC_MAY,     /* such as with a valid API key: the transport can tell */
	RPC_MAY_ASK, /* a user, of whom it has to be asked */
};

/* What was answered about a user. */
enum rpc_rights_answer {
	RPC_RIGHTS_NO,
	RPC_RIGHTS_YES,
	RPC_RIGHTS_BUSY,    /* too many are asked about */
	RPC_RIGHTS_UNKNOWN, /* the user database could not be read */
};

typedef void (*rpc_rights_done)(void *done_arg, enum rpc_rights_answer answer);

/* Which users may change devices. The user database may be a directory elsewhere, which takes its
 * time: so `ask` never blocks. It calls `done` exactly once, perhaps before it returns, perhaps
 * later on another thread. gid is the primary group when it is known, else (gid_t)-1. */
struct rpc_rights {
	void (*ask)(void *arg, uid_t uid, gid_t gid, rpc_rights_done done, void *done_arg);
	void *arg;
};

/* Who calls, as far as the transport can tell. */
struct rpc_peer {
	enum rpc_may may_change;
	const struct rpc_rights *rights; /* for RPC_MAY_ASK, with uid and gid */
	const char *why_not; /* for RPC_MAY_NOT, what follows "the caller is ..., "; or NULL */
	bool has_ids;	     /* uid, gid and pid below are known */
	uid_t uid;
	gid_t gid;
	pid_t pid;
	bool has_key;  /* the API key was presented */
	char text[80]; /* for logs and the audit trail: "uid 1000 pid 42", "127.0.0.1:40312" */
};

struct rpc_call;

/* Who is told of each call that changes devices when it has ended, or was refused: with the request
 * (NULL: it was refused before it was read) and the response (NULL: it failed, call->status says
 * why). Called on the thread that ends the call, before its caller is answered; must not block. */
struct rpc_observer {
	void (*ended)(void *arg, const struct rpc_call *call, const ProtobufCMessage *request,
		const ProtobufCMessage *response);
	void *arg;
};

/* One call in progress. Transports embed it as the first member of their own per-call object. */
struct rpc_call {
	const struct rpc_method *method;
	struct rpc_peer peer;
	const struct rpc_observer *observer; /* NULL: none */
	const char *request_id;		     /* NULL or "": none; borrowed */
	int64_t began_ns;		     /* when it was invoked (CLOCK_MONOTONIC) */
	int64_t deadline_ns;		     /* CLOCK_MONOTONIC; when the caller stops waiting */
	Rpc__V1__Status *status; /* owned by the call; set by the service before done(NULL) */
	bool started;		 /* the service was given it: rpc_invoke did not refuse */
	struct {
		ProtobufCService *service;
		const ProtobufCMessage *request;
		ProtobufCClosure done;
	} asked; /* rpc_invoke's own, of a call that changes devices */
};

/* Milliseconds a caller waits when it does not say: 5000 for reads, 30000 for changes
 * (docs/rpc.md, "Deadlines"). */
uint32_t rpc_method_default_timeout_ms(const struct rpc_method *method);

/* Records a failure: replaces call->status. The service then calls done(NULL, call). */
void rpc_call_fail(struct rpc_call *call, enum rpc_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Says of whom rights are to be asked. With rights NULL, root alone may. */
void rpc_peer_set_user(
	struct rpc_peer *peer, uid_t uid, gid_t gid, const struct rpc_rights *rights);

/* Invokes call->method on service. Refuses with PERMISSION_DENIED when the method changes
 * devices and the peer may not, and with DEADLINE_EXCEEDED when the deadline has passed already;
 * then `done` gets NULL. Where it has to be asked whether the peer may, what happens next happens
 * on the thread that answers; with RESOURCE_EXHAUSTED or UNAVAILABLE where there is no answer.
 * service must implement call->method->service. */
void rpc_invoke(ProtobufCService *service, struct rpc_call *call, const ProtobufCMessage *request,
	ProtobufCClosure done);

/* Tells the observer of a change that was refused before it became a call. */
void rpc_observe_refusal(const struct rpc_observer *observer, const struct rpc_method *method,
	const struct rpc_peer *peer, enum rpc_code code, const char *why);

/* The service of the array (NULL-terminated) that implements the method, or NULL. */
ProtobufCService *rpc_service_for(
	ProtobufCService *const *services, const struct rpc_method *method);
