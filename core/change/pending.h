/* SPDX-License-Identifier: MIT */
/*
 * Writes that have not returned, and what becomes of their changes.
 *
 * Theory of operation. A change whose write is given up at its deadline has answered its caller;
 * its intent stays on disk with the devices that are still blocked. A thread here looks at their
 * locks (the hand's child keeps one for as long as its write lasts, across restarts of the daemon)
 * and, when the last has gone, takes the change to an end: a change of one device is finished, for
 * that is what was asked and nothing else depends on it; of a change of several the rest has been
 * undone at once, so this device is brought back too. Either way the intent then ends.
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

/* Told from the thread; must not call back into the engine. */
typedef void pending_listener(void *arg, const struct pending_outcome *outcome);

/* Makes an empty one; its thread starts with the first write to be waited for. NULL when memory is
 * short. */
struct pending *pending_new(struct host *host);

/* Who is told; NULL for nobody. To be set before there are several threads. */
void pending_listen(struct pending *pending, pending_listener *listener, void *arg);

/* Waits for the intent's devices from here on: n, as they were before, of an intent now called
 * what. 0 or -ENOMEM: then the next start takes care of it. */
int pending_add(struct pending *pending, int64_t intent, const char *what,
	const struct device_origin *before, size_t n);

/* Takes such a change, none of whose writes is under way, to its end on this thread. Waits for it
 * as pending_add when that makes a write which does not return either. 0 or -ENOMEM. */
int pending_settle(struct pending *pending, int64_t intent, const char *what,
	const struct device_origin *before, size_t n);

/* The name of an intent that is waited for: "finish bind" when it has one device and is to be
 * finished, else "undo". */
void pending_name(char buf[static 24], const char *what, size_t n_devices);

/* Ends the thread; intents that are waited for stay on disk. False when it has not ended by
 * deadline (CLOCK_MONOTONIC), for it waits for a write of its own: nothing may be freed then. */
bool pending_stop(struct pending *pending, int64_t deadline);

/* Frees what has stopped; NULL is fine. */
void pending_free(struct pending *pending);
