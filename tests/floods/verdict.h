/* SPDX-License-Identifier: MIT */
/* What good clients' windows say of a server: as good flooded as quiet, or not. */
#pragma once

#include "tests/floods/good.h"

enum { VERDICT_WINDOWS_MAX = 25 };

/* One window of one client's. Times in nanoseconds; 0 where nothing was asked. */
struct window {
	int64_t p50, p99, max;
	size_t asked, failed;
};

/* The windows of one client, quiet or flooded. */
struct windows {
	struct window items[VERDICT_WINDOWS_MAX];
	size_t count;
	struct why why; /* the first failure in any; empty: none */
};

/* Adds what was asked from one moment to another. A request that takes longer than the client's
 * pace keeps others from being asked; they count too, each with what it would have waited, so that
 * one answer that takes half a window is not one of a thousand. */
void windows_add(struct windows *windows, const struct good_requests *requests, int64_t pace_ns,
	int64_t from_ns, int64_t to_ns);

/* The windows as one: the median of each percentile, the longest of all, sums of the counts. */
struct window windows_median(const struct windows *windows);

/* The longest that a flooded client's p99 may be: three times the quiet one's, or the four
 * milliseconds that a thread may wait for a processor while others have all of them. */
int64_t verdict_limit(const struct windows *quiet);

/* Whether the client was served as well: nothing failed in any window, and it was fast enough. With
 * latency false, only that nothing failed. False with why. */
bool verdict_is_good(
	const struct windows *quiet, const struct windows *flooded, bool latency, struct why *why);
