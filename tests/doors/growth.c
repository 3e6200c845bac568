/* SPDX-License-Identifier: MIT */
/* Whether memory grows with repetition. */
#include "tests/doors/growth.h"

#include <stdlib.h>

static int by_size(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

bool growth_within(const size_t *kb, size_t rounds, size_t allowed_kb, struct why *why)
{
	long differences[GROWTH_ROUNDS_MAX];
	size_t apart = rounds / 5, count = rounds - apart;

	if (rounds < GROWTH_ROUNDS_MIN || rounds > GROWTH_ROUNDS_MAX)
		return why_not(why, "%zu rounds are too few or too many", rounds);
	for (size_t i = 0; i < count; i++)
		differences[i] = (long)kb[i + apart] - (long)kb[i];
	qsort(differences, count, sizeof(differences[0]), by_size);
	long median = differences[(count - 1) / 2];
	if (median <= (long)(allowed_kb * apart))
		return true;
	return why_not(why,
		"memory grew steadily, by %ld KiB in %zu rounds (from %zu to %zu in %zu); %zu are allowed",
		median, apart, kb[0], kb[rounds - 1], rounds, allowed_kb * apart);
}
