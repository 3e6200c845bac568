/* SPDX-License-Identifier: MIT */
/* Whether memory grows with repetition. */
#pragma once

#include "tests/contract/why.h"

#include <stddef.h>

/* Takes what was measured after each of a number of equal rounds, in KiB, those of warming up left
 * out, and the growth allowed from the first third to the last. Each third counts by its lowest
 * value: what is free after any round of it is no leak. False with why set when it is more. */
bool growth_within(const size_t *kb, size_t rounds, size_t allowed_kb, struct why *why);
