/* SPDX-License-Identifier: MIT */
/*
 * The head of an HTTP/1 request, judged before the parser sees it.
 *
 * A head that two readers could take apart differently (where does the body end, whose host is
 * this) is how requests are smuggled past a proxy, so it is refused rather than understood.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Longest head, in bytes, and most header lines: docs/operations.md, "HTTP". The parser's own
 * limits are above. */
#define REST_HEAD_MAX 32768
#define REST_HEAD_LINES_MAX 96

enum rest_head {
	REST_HEAD_PARTIAL, /* not all there yet */
	REST_HEAD_GOOD,
	REST_HEAD_BAD,	       /* 400 */
	REST_HEAD_TOO_LONG,    /* 431 */
	REST_HEAD_EXPECTATION, /* 417 */
};

/* One head, from its first bytes to its end. All zero at the start. */
struct rest_head_scan {
	/* Once GOOD: */
	size_t len;	     /* of the head, with all its line breaks */
	size_t framing;	     /* where the line is that says how long the body is, and */
	size_t framing_len;  /* its length with its line break; 0: there is no body */
	bool chunked;	     /* the body is; else it has as many bytes as this: */
	size_t body_len;     /* SIZE_MAX for any number that is too large */
	bool wants_continue; /* Expect: 100-continue, which HTTP/1.0 does not have */
	/* Once BAD, TOO_LONG or EXPECTATION: the reason; static storage */
	const char *why;
	/* Private: */
	size_t at, sought; /* the line under way; how far its end has been looked for */
	unsigned lines, hosts, lengths, encodings;
	bool http10, strange;
};

/* Goes on judging the head that bytes start with, of which there are more than at the last call
 * with this scan; a line break before it, which some clients leave after a body, is passed over.
 * What cannot become a request is BAD before its head ends. Each byte is looked at once, however
 * the head comes in. Not to be called again after another verdict than PARTIAL. Pure; never
 * blocks. */
enum rest_head rest_head_check(struct rest_head_scan *scan, const char *bytes, size_t len);

/* How many characters of a token the text starts with: those that a method or a header's name may
 * have. */
size_t rest_head_token(const char *text, size_t len);

/* Whether text may be a header's value: no control character but the tab. */
bool rest_head_is_text(const char *text, size_t len);
