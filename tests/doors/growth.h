/* SPDX-License-Identifier: MIT */
/* Whether memory grows with repetition. */
#pragma once

#include "tests/contract/why.h"

#include <stddef.h>

enum { GROWTH_ROUNDS_MIN = 10, GROWTH_ROUNDS_MAX = 64 };

/* Takes what was measured after each of a number of equal rounds, in KiB, those of warming up left
 * out, and the growth that a round is allowed. False with why set when memory grows steadily by
 * more.
 *
 * Growth is the median of what is more after a fifth of the rounds than before them. A step, as
 * when malloc makes an arena, is seen by a fifth of these differences and so does not count; two do
 * not either. A leak is seen by all of them, also when it shows only now and then, as a heap that
 * grows by 132 KiB at a time. */
bool growth_within(const size_t *kb, size_t rounds, size_t allowed_kb, struct why *why);
