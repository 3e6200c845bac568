/* SPDX-License-Identifier: MIT */
/*
 * Asking about users off the threads that serve.
 *
 * A host's users may be in a directory elsewhere, which can take seconds to answer. So a question
 * goes to a thread of its own, its answer is remembered for a while, and who asks about the same
 * user meanwhile shares it. Everything is bounded, for strangers can ask.
 */
#pragma once

#include "rpc/service/call.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct lookups;

struct lookups_config {
	/* Whether the user may: 1, 0, or a negative errno when that cannot be told, which is not
	 * remembered. May block; called on several threads at once. */
	int (*may)(void *arg, uid_t uid);
	void *arg;
	int64_t keep_ns;  /* how long an answer, a no too, is remembered */
	unsigned users;	  /* remembered or asked about at once */
	unsigned threads; /* so many questions under way; as many users again may wait for one */
	unsigned waiting; /* who may wait for the answer about one user */
};

/* NULL when memory is short. Starts no thread before the first question. */
struct lookups *lookups_new(const struct lookups_config *config);

/* Calls done exactly once: before it returns where the answer is remembered or a bound is reached
 * (RPC_RIGHTS_BUSY), else later, on another thread. Never blocks. Thread-safe. */
void lookups_ask(struct lookups *lookups, uid_t uid, rpc_rights_done done, void *done_arg);

/* Takes no more questions and waits, at most until deadline_ns (CLOCK_MONOTONIC), until those under
 * way are answered. True when they are. */
bool lookups_drain(struct lookups *lookups, int64_t deadline_ns);

/* Frees drained lookups; NULL is fine. */
void lookups_free(struct lookups *lookups);
