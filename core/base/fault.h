/* SPDX-License-Identifier: MIT */
/* Why something failed, as a sentence for a person. */
#pragma once

/* Functions that can fail for a reason the user must know take a struct fault and return 0 or a
 * negative errno. The text is set on failure and NUL-terminated. It may hold bytes of the input, so
 * it need not be valid UTF-8: whoever prints it cleans it. */
struct fault {
	char text[512];
};

/* Sets the text, cut to its room, and returns result, so that a failure is one statement. */
int fault_set(struct fault *fault, int result, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
