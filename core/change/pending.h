/* SPDX-License-Identifier: MIT */
/*
 * Changes that wait for a write which has not returned by its deadline.
 *
 * The child of the privileged helper holds the lock of its device until the write returns, also
 * when the daemon restarts. A thread polls the locks of a change's devices. When the last one is
 * released, it finishes the change or rolls it back, by its phase (core/change/lifecycle.h).
 */
#pragma once

#include "core/inspect/state.h"
#include "core/record/intent.h"

#include <stdbool.h>

struct host;
struct pending;

/* What has become of a device whose write was given up. */
struct pending_outcome {
	const struct device_origin *before; /* as it was before the change */
	const char *driver;		    /* "" for none */
	const char *original_driver;	    /* that unbind would give it back to; "" for none */
	enum device_state state;
	const char *sentence; /* for the log */
};

/* Called on the thread. Must not call the engine. */
typedef void pending_listener(void *arg, const struct pending_outcome *outcome);

/* Creates an empty set. Its thread starts with the first change. NULL when memory is short. */
struct pending *pending_new(struct host *host);

/* Sets the listener; NULL for none. To be called before other threads exist. */
void pending_listen(struct pending *pending, pending_listener *listener, void *arg);

/* Adds a change, in CHANGE_FINISHING or CHANGE_ROLLING_BACK; takes the intent over. 0 or -ENOMEM:
 * the next start then ends the change. */
int pending_add(struct pending *pending, struct intent *intent);

/* Ends such a change on the calling thread, when none of its writes is under way. If ending it
 * makes a write that does not return either, the change is added as by pending_add. 0 or -ENOMEM.
 */
int pending_settle(struct pending *pending, struct intent *intent);

/* How many changes wait, or are being ended. From any thread. */
size_t pending_count(struct pending *pending);

/* Ends the thread; the intents stay on disk. False when the thread has not ended by the deadline
 * (CLOCK_MONOTONIC, ns), because a write of its own has not returned: nothing may be freed then. */
bool pending_stop(struct pending *pending, int64_t deadline);

/* Frees what has stopped; NULL is fine. */
void pending_free(struct pending *pending);
