/* SPDX-License-Identifier: MIT */
/*
 * The head of an HTTP/1 request, judged before the parser sees it.
 *
 * A head that two readers could take apart differently (where does the body end, whose host is
 * this) is how requests are smuggled past a proxy, so it is refused rather than understood.
 */
#pragma once

#include <stddef.h>

/* Longest head, in bytes, and most header lines. The parser's own limits are above. */
#define REST_HEAD_MAX 32768
#define REST_HEAD_LINES_MAX 96

enum rest_head {
	REST_HEAD_PARTIAL, /* not all there yet */
	REST_HEAD_GOOD,
	REST_HEAD_BAD,	    /* 400 */
	REST_HEAD_TOO_LONG, /* 431 */
};

/* Judges the head that bytes start with; a line break before it, which some clients leave after a
 * body, is passed over. What cannot become a request is BAD before its head ends. GOOD: *ret_len is
 * the head's length, with all its line breaks. BAD and TOO_LONG: *ret_why says why (static
 * storage). Pure; never blocks. */
enum rest_head rest_head_check(
	const char *bytes, size_t len, size_t *ret_len, const char **ret_why);
