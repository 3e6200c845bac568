/* SPDX-License-Identifier: MIT */
/* Reading chunked bodies. */
#include "rest/chunked.h"

#include "rest/head.h"
#include "rest/hex.h"

#include <string.h>

/* Most digits of a size. No body that is taken needs as many. */
#define CHUNKED_DIGITS_MAX 8

enum chunked_state {
	CHUNKED_SIZE,
	CHUNKED_EXTENSION,
	CHUNKED_SIZE_FEED, /* the line feed of a size's line */
	CHUNKED_DATA,
	CHUNKED_DATA_RETURN,
	CHUNKED_DATA_FEED,
	CHUNKED_TRAILER,
	CHUNKED_TRAILER_FEED,
	CHUNKED_END_FEED,
};

static enum rest_chunked chunked_bad(struct rest_chunked_reader *reader, const char *why)
{
	reader->why = why;
	return REST_CHUNKED_BAD;
}

static enum rest_chunked chunked_size(struct rest_chunked_reader *reader, char c)
{
	int digit = rest_hex_digit(c);

	if (digit >= 0) {
		reader->left = reader->left * 16 + (size_t)digit;
		if (reader->left > reader->limit - reader->total)
			return REST_CHUNKED_TOO_LONG;
		if (++reader->digits > CHUNKED_DIGITS_MAX)
			return chunked_bad(reader, "a chunked body has a size of too many digits");
		return REST_CHUNKED_PARTIAL;
	}
	if (reader->digits == 0 || (c != '\r' && c != ';'))
		return chunked_bad(reader, "a chunked body has a size that is no hex number");
	reader->digits = 0;
	reader->total += reader->left;
	reader->state = c == ';' ? CHUNKED_EXTENSION : CHUNKED_SIZE_FEED;
	return REST_CHUNKED_PARTIAL;
}

static enum rest_chunked chunked_extension(struct rest_chunked_reader *reader, char c)
{
	if (c == '\r')
		reader->state = CHUNKED_SIZE_FEED;
	else if (!rest_head_is_text(&c, 1))
		return chunked_bad(reader, "a chunked body has a control character");
	else if (++reader->extensions > REST_CHUNKED_EXTENSIONS_MAX)
		return chunked_bad(reader, "a chunked body has too many chunk extensions");
	return REST_CHUNKED_PARTIAL;
}

/* One that has to be there, and what follows it. */
static enum rest_chunked chunked_expect(
	struct rest_chunked_reader *reader, char c, char want, enum chunked_state next)
{
	if (c != want)
		return chunked_bad(reader,
			want == '\n' ? "a chunked body has a carriage return without a line feed"
				     : "a chunked body has a chunk longer than its size");
	reader->state = (int)next;
	return REST_CHUNKED_PARTIAL;
}

/* A trailer's name, colon and value, as a header's; or the end of its line. */
static enum rest_chunked chunked_trailer(struct rest_chunked_reader *reader, char c)
{
	if (++reader->trailers > REST_CHUNKED_TRAILERS_MAX)
		return chunked_bad(reader, "a chunked body has too many trailers");
	if (c == '\r' && reader->line == 0) {
		reader->state = CHUNKED_END_FEED;
		return REST_CHUNKED_PARTIAL;
	}
	if (c == '\r' && reader->named) {
		reader->state = CHUNKED_TRAILER_FEED;
		return REST_CHUNKED_PARTIAL;
	}
	if (reader->named ? !rest_head_is_text(&c, 1)
			  : rest_head_token(&c, 1) == 0 && (c != ':' || reader->line == 0))
		return chunked_bad(reader, "a chunked body has a malformed trailer");
	reader->named = reader->named || c == ':';
	reader->line++;
	return REST_CHUNKED_PARTIAL;
}

static enum rest_chunked chunked_trailer_end(struct rest_chunked_reader *reader, char c)
{
	reader->line = 0;
	reader->named = false;
	if (++reader->lines > REST_CHUNKED_TRAILER_LINES_MAX)
		return chunked_bad(reader, "a chunked body has too many trailers");
	return chunked_expect(reader, c, '\n', CHUNKED_TRAILER);
}

/* One byte that is not of the body. */
static enum rest_chunked chunked_framing(struct rest_chunked_reader *reader, char c)
{
	enum rest_chunked verdict;

	if (++reader->framing > REST_CHUNKED_FRAMING_MAX)
		return chunked_bad(reader, "a chunked body is in too small chunks");
	switch ((enum chunked_state)reader->state) {
	case CHUNKED_SIZE:
		return chunked_size(reader, c);
	case CHUNKED_EXTENSION:
		return chunked_extension(reader, c);
	case CHUNKED_SIZE_FEED:
		return chunked_expect(
			reader, c, '\n', reader->left > 0 ? CHUNKED_DATA : CHUNKED_TRAILER);
	case CHUNKED_DATA: /* never comes here */
	case CHUNKED_DATA_RETURN:
		return chunked_expect(reader, c, '\r', CHUNKED_DATA_FEED);
	case CHUNKED_DATA_FEED:
		return chunked_expect(reader, c, '\n', CHUNKED_SIZE);
	case CHUNKED_TRAILER:
		return chunked_trailer(reader, c);
	case CHUNKED_TRAILER_FEED:
		return chunked_trailer_end(reader, c);
	case CHUNKED_END_FEED:
		break;
	}
	verdict = chunked_expect(reader, c, '\n', CHUNKED_SIZE);
	return verdict == REST_CHUNKED_PARTIAL ? REST_CHUNKED_DONE : verdict;
}

/* Moves what is there of the chunk under way. */
static size_t chunked_data(
	struct rest_chunked_reader *reader, char *to, const char *from, size_t len)
{
	size_t n = len < reader->left ? len : reader->left;

	if (to != from)
		memmove(to, from, n);
	reader->left -= n;
	if (reader->left == 0)
		reader->state = CHUNKED_DATA_RETURN;
	return n;
}

enum rest_chunked rest_chunked_read(
	struct rest_chunked_reader *reader, char *bytes, size_t *len, size_t *ret_taken)
{
	enum rest_chunked verdict = REST_CHUNKED_PARTIAL;
	size_t at = 0, out = 0;

	while (at < *len && verdict == REST_CHUNKED_PARTIAL) {
		if (reader->state == CHUNKED_DATA) {
			size_t n = chunked_data(reader, bytes + out, bytes + at, *len - at);

			at += n;
			out += n;
			continue;
		}
		verdict = chunked_framing(reader, bytes[at++]);
	}
	*len = out;
	*ret_taken = at;
	return verdict;
}
