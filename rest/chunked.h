/* SPDX-License-Identifier: MIT */
/*
 * Chunked bodies, judged as strictly as heads.
 *
 * A line that two readers could take apart differently (a size with a blank behind it, a line feed
 * alone) is refused. Everything is bounded: the body, and what is sent around it, which would
 * otherwise cost the sender nothing and us time without end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Most bytes of chunk extensions in a body; they mean nothing to us and are passed over. */
#define REST_CHUNKED_EXTENSIONS_MAX 1024
/* Most bytes and lines of trailers; they are no headers, and passed over as well. */
#define REST_CHUNKED_TRAILERS_MAX 1024
#define REST_CHUNKED_TRAILER_LINES_MAX 16
/* Most bytes that are not of the body, all in all: enough for chunks of a dozen bytes each. */
#define REST_CHUNKED_FRAMING_MAX 65536

enum rest_chunked {
	REST_CHUNKED_PARTIAL, /* not all there yet */
	REST_CHUNKED_DONE,
	REST_CHUNKED_BAD,      /* 400 */
	REST_CHUNKED_TOO_LONG, /* 413: the body is longer than the limit */
};

/* Reads one body. All zero at the start, but for the limit. */
struct rest_chunked_reader {
	size_t limit;	 /* longest body, in bytes */
	const char *why; /* once BAD; static storage */
	/* Private: */
	int state;
	unsigned digits, lines;
	size_t left;  /* of the chunk */
	size_t total; /* of the body, with the chunk under way */
	size_t line;  /* bytes of the trailer line under way */
	size_t framing, extensions, trailers;
	bool named; /* the trailer line's colon has been seen */
};

/* Goes on reading a body with the *len bytes at bytes: moves those that are of the body to the
 * front and sets *len to their number and *ret_taken to the number of bytes read. Only DONE can
 * leave some unread: those of the next request. Whatever pieces a body comes in, the verdict and
 * the bytes are the same. Not to be called again after another verdict than PARTIAL. Pure; never
 * blocks. */
enum rest_chunked rest_chunked_read(
	struct rest_chunked_reader *reader, char *bytes, size_t *len, size_t *ret_taken);
