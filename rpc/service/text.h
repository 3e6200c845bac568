/* SPDX-License-Identifier: MIT */
/* Text that protobuf strings may hold, and secrets compared. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Length of the well-formed UTF-8 character at bytes (no surrogates, no overlong forms, nothing
 * above U+10FFFF; NUL is one), or 0; len is at least 1. Pure. */
size_t rpc_text_char(const void *bytes, size_t len);

/* Whether the bytes are well-formed UTF-8 (no surrogates, no overlong forms, nothing above
 * U+10FFFF) and none of them is NUL. Pure. */
bool rpc_text_valid(const void *bytes, size_t len);

/* Replaces every byte that is not part of well-formed UTF-8, and every control character, by '?',
 * in place. What the kernel and
 * other processes call things need not be UTF-8, and most clients refuse a message that is not. */
void rpc_text_repair(char *text);

/* Whether two texts are equal, in a time that depends on the length of given alone. */
bool rpc_text_equal_secret(const char *given, const char *secret);
