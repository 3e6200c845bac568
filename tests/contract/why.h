/* SPDX-License-Identifier: MIT */
/* Why a case failed: a sentence, so that a failed expectation is a value and can itself be tested.
 */
#pragma once

#include <stdbool.h>

struct why {
	char text[2048];
};

/* Sets the text and returns false, so that a failure is one statement. */
bool why_not(struct why *why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
