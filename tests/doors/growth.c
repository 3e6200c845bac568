/* SPDX-License-Identifier: MIT */
/* Whether memory grows with repetition. */
#include "tests/doors/growth.h"

static size_t lowest(const size_t *kb, size_t count)
{
	size_t low = kb[0];

	for (size_t i = 1; i < count; i++)
		if (kb[i] < low)
			low = kb[i];
	return low;
}

bool growth_within(const size_t *kb, size_t rounds, size_t allowed_kb, struct why *why)
{
	size_t third = rounds / 3;
	size_t first = lowest(kb, third), last = lowest(kb + rounds - third, third);

	if (last <= first + allowed_kb)
		return true;
	return why_not(why, "memory grew from %zu to %zu KiB over %zu rounds; %zu more are allowed",
		first, last, rounds, allowed_kb);
}
