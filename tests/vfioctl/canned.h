/* SPDX-License-Identifier: MIT */
/* A daemon of canned answers behind a real RPC server. */
#pragma once

#include <stdbool.h>

struct canned;

/* Starts one on a socket in a folder of its own. Fails the test when it cannot.
 *
 * Its devices: 0000:01:00.0 is good; 0000:02:00.0 does not exist; 0000:03:00.0 is held; an answer
 * about 0000:04:00.0 never comes; all text that can be is hostile to terminals. */
struct canned *canned_start(void);

/* Where it listens. */
const char *canned_url(const struct canned *canned);

/* What it is to say from now on. */
void canned_set_ready(struct canned *canned, bool ready);
void canned_set_serving(struct canned *canned, bool serving);
void canned_set_may_change(struct canned *canned, bool may_change);

/* Has that many devices from now on, each in a group of its own, in pages of 1000; 0: the usual. */
void canned_set_devices(struct canned *canned, unsigned count);

/* The last request but those for further pages, as JSON. Valid until the next. */
const char *canned_last_request(struct canned *canned);

/* Stops and removes it. */
void canned_stop(struct canned *canned);
