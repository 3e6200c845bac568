/* SPDX-License-Identifier: MIT */
/* What was wrong with something from outside: a sentence for its sender. */
#pragma once

/* The text is NUL-terminated and may hold bytes of the input, so it need not be valid UTF-8:
 * whoever prints it cleans it (rest_json_string does). */
struct rest_fault {
	char text[320];
};

/* Sets the text, cut to its room, and returns -EINVAL, so that a refusal is one statement. */
int rest_fault_set(struct rest_fault *fault, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
