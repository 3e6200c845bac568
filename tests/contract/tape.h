/* SPDX-License-Identifier: MIT */
/*
 * What server and host said during the run of a case, so that the case can be judged again without
 * them: that is how wrong expectations are tried on a case that changes a host.
 *
 * In a run everything that was heard is recorded; in a replay it is played back in that order, and
 * nothing is sent.
 */
#pragma once

#include "tests/contract/bytes.h"

struct tape_item {
	int number; /* a status, or whether something was there */
	struct bytes texts[2];
};

/* All zero is an empty one that records. */
struct tape {
	struct tape_item *items;
	size_t count, next;
	bool replaying;
};

/* Records a number and copies of up to two texts. A tape that is NULL keeps nothing. */
void tape_record(
	struct tape *tape, int number, const struct bytes *first, const struct bytes *second);

/* Whether it plays back; false for NULL. */
bool tape_is_replaying(const struct tape *tape);

/* The next item, the tape's; the program is wrong when there is none. */
const struct tape_item *tape_play(struct tape *tape);

/* Forgets what was recorded after the first count items; NULL is fine. */
void tape_cut(struct tape *tape, size_t count);

/* From now on it plays back, from its beginning. */
void tape_rewind(struct tape *tape);

void tape_clear(struct tape *tape);
