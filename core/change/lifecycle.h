/* SPDX-License-Identifier: MIT */
/* The life of a change: which event leads from which phase to which, and its end on disk. */
#pragma once

#include "core/record/store.h"

struct host;

/* What happens to a change. */
enum change_event {
	CHANGE_DONE,	/* all its steps are made, or all its devices are back */
	CHANGE_FAILED,	/* a step failed, or a device is not back; nothing more is tried now */
	CHANGE_BLOCKED, /* a write has not returned: it is to be watched (core/change/pending.h) */
	CHANGE_BLOCKED_AMONG_OTHERS, /* the same, of a change of several devices */
	CHANGE_FOUND,		     /* the next start finds it */
};

/* Takes the intent, in memory, to the phase that follows. CHANGE_BLOCKED stands for
 * CHANGE_BLOCKED_AMONG_OTHERS where the intent has several devices. */
void lifecycle_turn(struct intent *intent, enum change_event event);

/* Writes the intent as it is now, together with what becomes of the records: the end of a change in
 * CHANGE_ENDED; another goes on with the devices that it has. 0, or -1 with err: the next start
 * finds the intent as it was. */
int lifecycle_write(struct host *host, const struct intent *intent,
	const struct store_outcome *outcome, struct core_error *err);
