/* SPDX-License-Identifier: MIT */
/* One request of a case over one of the two faces, and what came back held against the case. */
#pragma once

#include "tests/contract/daemon.h"
#include "tests/contract/tape.h"

/* What a step of a case leaves behind for the next one. All zero but fd is a fresh start. */
struct face {
	struct daemon *daemon; /* NULL in a replay */
	struct tape *tape;     /* NULL: nothing is kept */
	int fd;		       /* of HTTP, where the steps share a connection; -1 */
	bool shared;	       /* whether they do */
	struct bytes before;   /* the body of the answer before */

	/* Called between a request and its answer. NULL: nothing happens meanwhile. */
	bool (*meanwhile)(void *arg, struct why *why);
	void *meanwhile_arg;
};

/* Sends {"method", "path", "headers", "body" | "raw_body" | "chunks", "version", "from"} or
 * {"raw": BYTES}, and holds the answers against expect: {"status", "headers", "body",
 * "adds", "error", "bytes", "same_body", "closed"}, or {"answers": [of such], "closed"} for
 * several. */
bool face_rest(struct face *face, const json_t *request, const json_t *expect, struct why *why);

/* Sends {"method", "message" | "payload", "timeout_ms", "request_id", "metadata", "over"} or
 * {"envelope": BYTES} (method then names what the answer is of); answer_in names the field of the
 * answer that REST gives alone. */
bool face_rpc(struct face *face, const json_t *request, const json_t *expect, struct why *why);

/* Lets happen what happens meanwhile. */
bool face_meanwhile(struct face *face, struct why *why);

void face_clear(struct face *face);
