/* SPDX-License-Identifier: MIT */
/* A bounded table in memory of requests by request_id, and of what was answered. */
#pragma once

#include "rpc/nng/envelope.h"
#include "rpc/service/method.h"

struct rpc_dedupe;
struct rpc_dedupe_entry;

/* What the table holds at most, of reads and again of changes. When it is full, the answers given
 * longest ago go first; those of calls still running stay. The newest answer stays even where it is
 * larger than all the room. */
struct rpc_dedupe_limits {
	size_t entries;
	size_t bytes;
	int64_t age_ns; /* how long an answer is kept */
};

/* A call as the table knows it. All borrowed. */
struct rpc_dedupe_key {
	const char *peer; /* keys are per peer */
	const char *request_id;
	const struct rpc_method *method;
	const uint8_t *payload;
	size_t payload_len;
};

enum rpc_dedupe_verdict {
	RPC_DEDUPE_NEW,	    /* never seen: the entry is made; finish or forget it */
	RPC_DEDUPE_RUNNING, /* the first one has no answer yet */
	RPC_DEDUPE_DONE,    /* the first one's answer is there */
	RPC_DEDUPE_OTHER,   /* same id, other method or payload */
	RPC_DEDUPE_FULL,    /* only running calls left to drop, or memory is short */
};

/* None of these functions blocks or locks: the caller serializes them. Times are now_ns. */

/* An empty table, or NULL when memory is short. */
struct rpc_dedupe *rpc_dedupe_new(const struct rpc_dedupe_limits *limits);

/* Frees the table with all its entries; NULL is fine. */
void rpc_dedupe_free(struct rpc_dedupe *dedupe);

/* Looks a call up, making an entry when there is none; owner is what rpc_dedupe_owner answers for
 * it. *ret_entry, borrowed until the next call that changes the table, is set except for OTHER and
 * FULL. Drops what is too old. */
enum rpc_dedupe_verdict rpc_dedupe_begin(struct rpc_dedupe *dedupe,
	const struct rpc_dedupe_key *key, void *owner, int64_t now_ns,
	struct rpc_dedupe_entry **ret_entry);

/* The owner of a running entry. */
void *rpc_dedupe_owner(const struct rpc_dedupe_entry *entry);

/* The answer of an entry that is done; borrowed. */
const struct rpc_bytes *rpc_dedupe_reply(const struct rpc_dedupe_entry *entry);

/* Gives a running entry its answer, which is copied; where memory is short, forgets it. */
void rpc_dedupe_finish(struct rpc_dedupe *dedupe, struct rpc_dedupe_entry *entry,
	const struct rpc_bytes *reply, int64_t now_ns);

/* Drops a running entry, as if the call had never been seen. */
void rpc_dedupe_forget(struct rpc_dedupe *dedupe, struct rpc_dedupe_entry *entry);
