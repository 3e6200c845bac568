/* SPDX-License-Identifier: MIT */
/* Text that came from outside: sysfs names, process names, requests. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Length in bytes of the well-formed UTF-8 character at s, of which len bytes (at least one) may be
 * read; 0 when there is none (RFC 3629: shortest form, no surrogates, nothing past U+10FFFF). NUL
 * is a character. */
size_t text_char(const void *s, size_t len);

/* Whether the bytes are what a protobuf string may hold: well-formed UTF-8, as above, without NUL.
 */
bool text_valid(const void *bytes, size_t len);

/* Makes any bytes valid UTF-8 without control characters, in place: whatever is not becomes '?'.
 * Truncation in the middle of a character is mended the same way. */
void text_clean(char *text);
