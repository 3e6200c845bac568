/* SPDX-License-Identifier: MIT */
/*
 * Takes the bytes of a request to its service, and gives it exactly one reply.
 *
 * A ticket stands for a request that awaits its reply; the transport embeds it in its own slot. A
 * call is the work behind it: it begins with a ticket, may lose it (the deadline passed) and may
 * gain others (repeats of its request_id), and lives until its service is done. The lock of the
 * dispatch guards who holds what; services and the transport are called without it.
 */
#pragma once

#include "rpc/nng/envelope.h"
#include "rpc/service/call.h"

#include <sys/queue.h>

struct dispatch_call;
struct rpc_dispatch;

/* One request that awaits its reply. The members are the dispatch's. */
struct rpc_ticket {
	TAILQ_ENTRY(rpc_ticket) parked;
	struct dispatch_call *call;
	int64_t deadline_ns;
	uint32_t timeout_ms;
	bool repeat; /* waits for a call that another ticket began */
};

/* Who sends a request. */
struct rpc_caller {
	struct rpc_peer peer;
	char key[64];	   /* whose request_ids these are */
	bool key_required; /* must present the API key; has all rights then */
};

struct rpc_dispatch_config {
	ProtobufCService *const *services; /* NULL-terminated; borrowed, outlive every call */
	const char *api_key;		   /* borrowed; NULL: none */
	unsigned max_changes;		   /* in flight at once, abandoned and repeats included */
	unsigned max_reads;
	const struct rpc_observer *observer; /* told of changes; NULL: nobody */

	/* Sends the reply of a ticket, which is free for reuse from then on. Called exactly once
	 * for each rpc_dispatch_take, from any thread, without a lock held. */
	void (*reply)(void *arg, struct rpc_ticket *ticket, const uint8_t *bytes, size_t len);
	/* An earlier deadline than rpc_dispatch_expire answered is waiting. From any thread. */
	void (*wake)(void *arg);
	void *arg;
};

/* A new dispatch, or NULL when memory is short. The config is copied. */
struct rpc_dispatch *rpc_dispatch_new(const struct rpc_dispatch_config *config);

/* Takes a request. The bytes are borrowed until it returns. The ticket may be answered, and even be
 * in use for the next request, before it returns. Runs the service on this thread; does not block
 * unless the service does. Thread-safe. */
void rpc_dispatch_take(struct rpc_dispatch *dispatch, struct rpc_ticket *ticket,
	const struct rpc_caller *caller, const uint8_t *bytes, size_t len);

/* Answers DEADLINE_EXCEEDED to every ticket that is due and returns when to call again
 * (now_ns; INT64_MAX: when woken). Thread-safe. */
int64_t rpc_dispatch_expire(struct rpc_dispatch *dispatch);

/* From now on answers UNAVAILABLE to every request; blocks until no ticket waits, or until
 * until_ns, and then answers UNAVAILABLE to those that still do. Once it returns, replies are sent
 * from within rpc_dispatch_take alone. */
void rpc_dispatch_close(struct rpc_dispatch *dispatch, int64_t until_ns);

/* Lets go of a closed dispatch; calls still with their service keep what they need. NULL is fine.
 */
void rpc_dispatch_free(struct rpc_dispatch *dispatch);
