/* SPDX-License-Identifier: MIT */
/*
 * Writes that have not returned, and what becomes of their changes.
 *
 * Theory of operation. When a write has not returned by the deadline, the caller gets its answer
 * and the intent stays on disk with the devices that are still blocked. A thread polls the locks of
 * these devices: the child of the privileged helper holds one until its write returns, also when
 * the daemon restarts. When the last lock is released, the thread ends the change. A change of one
 * device is finished: that is what was requested, and nothing else depends on it. A change of
 * several devices has already been rolled back, but for the blocked ones, so these are brought back
 * too. Then the intent ends.
 */
#pragma once

#include "core/inspect/state.h"
#include "core/record/store.h"

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

/* Adds a change: an intent, now named what, and its n blocked devices as they were before. 0 or
 * -ENOMEM: the next start then ends the change. */
int pending_add(struct pending *pending, int64_t intent, const char *what,
	const struct device_origin *before, size_t n);

/* Ends such a change on the calling thread, when none of its writes is under way. If ending it
 * makes a write that does not return either, the change is added as by pending_add. 0 or -ENOMEM.
 */
int pending_settle(struct pending *pending, int64_t intent, const char *what,
	const struct device_origin *before, size_t n);

/* The name that a blocked change's intent gets: "finish bind" and the like for one device, which
 * will be finished, else "undo". */
void pending_name(char buf[static 24], const char *what, size_t n_devices);

/* How many changes wait, or are being ended. From any thread. */
size_t pending_count(struct pending *pending);

/* Ends the thread; the intents stay on disk. False when the thread has not ended by the deadline
 * (CLOCK_MONOTONIC, ns), because a write of its own has not returned: nothing may be freed then. */
bool pending_stop(struct pending *pending, int64_t deadline);

/* Frees what has stopped; NULL is fine. */
void pending_free(struct pending *pending);
