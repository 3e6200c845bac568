/* SPDX-License-Identifier: MIT */
/* Text from outside, made fit for a terminal. */
#pragma once

#include <stddef.h>
#include <stdio.h>

/* Makes the functions below read UTF-8, whatever the user's locale: what the tool prints is UTF-8
 * always. Without it, or on a system that has no such locale, all but ASCII shows escaped. Sets the
 * process's LC_CTYPE: call it once, before any thread. */
void text_init(void);

/* A copy that a terminal shows as it is: control characters, characters that reorder text or break
 * lines, and bytes that are not UTF-8 become \xNN or \u{N}. The caller frees it; NULL when memory
 * is short. */
char *text_printable(const char *text);

/* How many columns a printable text takes. */
size_t text_width(const char *printable);

/* Writes a text of any origin, made printable; nothing when memory is short. */
void text_put(FILE *out, const char *text);
