/* SPDX-License-Identifier: MIT */
/* Is it UTF-8? */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Length in bytes of the well-formed character that text starts with (RFC 3629: no surrogates, no
 * overlong forms, nothing above U+10FFFF), or 0. len is at least 1. */
size_t rest_utf8_char(const char *text, size_t len);

/* Whether all of text is well-formed. */
bool rest_utf8_valid(const char *text, size_t len);
