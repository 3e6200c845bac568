/* SPDX-License-Identifier: MIT */
/* What a user of devices should know that were bound: nothing that keeps them from being bound. */
#pragma once

#include "core/host.h"

enum { NOTE_SIZE = 320 };

struct note {
	char text[NOTE_SIZE];
};

struct notes {
	struct note *items; /* owned */
	size_t count;
};

/* Appends a sentence for each thing to know about a bind that was made, or that a dry run would
 * make: a VF token, a reset that another function prevents, control nodes that the owner cannot
 * open. 0 or -ENOMEM. */
int host_bind_notes(struct host *host, const struct change_request *request,
	const struct change_result *result, struct notes *ret);

void notes_clear(struct notes *notes);
