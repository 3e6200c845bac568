/* SPDX-License-Identifier: MIT */
/* Readers who never stop asking, one over each face, and how long each answer took. */
#pragma once

#include "tests/sweep/asker.h"

/* What they ask, in turn. */
enum reads_kind {
	READ_INFO_OTHER,
	READ_INFO_BLOCKED,
	READ_LIST,
	READ_GROUPS,
	READ_VALIDATE_OTHER,
	READ_VALIDATE_BLOCKED,
	READ_KINDS,
};

struct reads;

/* Starts them. They ask about two devices, one of which may be blocked meanwhile. */
struct reads *reads_start(const struct stage *stage, const char *blocked, const char *other);

/* Stops them. False, with why set, when an answer was missing or was an error. */
bool reads_stop(struct reads *all, struct why *why);

/* Whether no kind of read over either face took, in the 99th percentile, more than twice as long
 * while the device was blocked as before, by as much more as the machine itself became slower. Both
 * spans are from one moment (CLOCK_MONOTONIC) to another; each is cut into five windows, of which
 * the median counts. Prints the numbers; false with why set. Stopped ones only, as below. */
bool reads_judge(
	const struct reads *all, const int64_t idle[2], const int64_t blocked[2], struct why *why);

/* Whether no read between two moments took more than 100 ms. A read takes some hundred turns at a
 * processor: where a thread that only sleeps gets its turn N ms late, a read may take N times as
 * long, and as much more as the worst of its naps. */
bool reads_judge_longest(const struct reads *all, int64_t from, int64_t to, struct why *why);

/* Stops them, if they still read; NULL is fine. */
void reads_free(struct reads *all);
