/* SPDX-License-Identifier: MIT */
/* Brings devices back, after a change that failed, was blocked or was cut off. */
#pragma once

#include "core/change/lifecycle.h"

/* What became of one device. */
enum rollback_result {
	ROLLBACK_DONE,	  /* it is as it was; or it left, or another tool has it */
	ROLLBACK_KEPT,	  /* somebody uses it: it stays where the change left it */
	ROLLBACK_STUCK,	  /* it is not back; a record remembers where it belongs */
	ROLLBACK_BLOCKED, /* a write to it has not returned */
};

/* How to roll back. */
struct rollback {
	struct host *host;
	int64_t settle_until; /* for earlier writes to return; CLOCK_MONOTONIC, ns */
	int64_t device_ns;    /* for the writes to each device */
	bool is_final;	      /* the next start is not to try again what is stuck */
	/* Called for each device; why is empty for ROLLBACK_DONE, and for an earlier write that has
	 * not returned. */
	void (*tell)(void *arg, const struct device_origin *before, enum rollback_result result,
		const struct core_error *why);
	void *arg;
};

/* Brings the intent's devices back, last first, and ends it or writes what is left of it.
 * CHANGE_DONE: it has ended. CHANGE_BLOCKED: it is left with devices that are to be watched.
 * CHANGE_FAILED: it is left for the next start. 0, or -1 with err when the store fails; *ret is set
 * all the same. */
int rollback_run(const struct rollback *r, struct intent *intent, enum change_event *ret,
	struct core_error *err);
