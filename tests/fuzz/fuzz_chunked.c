/* SPDX-License-Identifier: MIT */
/*
 * Chunked bodies. The verdict and the bytes must not depend on the pieces a body comes in; and a
 * body that passes must be read the same by another, laxer reader: h2o's own.
 */
#include "rest/chunked.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

/* From picohttpparser, whose header is not installed. */
struct phr_chunked_decoder {
	size_t bytes_left_in_chunk;
	char consume_trailer;
	char hex_count;
	char state;
};

ssize_t phr_decode_chunked(struct phr_chunked_decoder *decoder, char *buf, size_t *bufsz);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	enum rest_chunked verdict;
	char *body;
	size_t len, taken;
};

/* In pieces of that many bytes, each in memory of its own, so that a read beyond it is seen. */
static struct outcome read_body(const uint8_t *data, size_t size, size_t step)
{
	struct rest_chunked_reader reader = {.limit = 64};
	struct outcome out = {.body = malloc(size + 1)};

	while (out.verdict == REST_CHUNKED_PARTIAL && out.taken < size) {
		size_t n = step < size - out.taken ? step : size - out.taken, taken, given = n;
		char *piece = malloc(n);

		memcpy(piece, data + out.taken, n);
		out.verdict = rest_chunked_read(&reader, piece, &n, &taken);
		if (n > taken || taken > given || (taken < given && !out.verdict))
			abort();
		memcpy(out.body + out.len, piece, n);
		out.len += n;
		out.taken += taken;
		free(piece);
	}
	if (out.len > reader.limit || (out.verdict == REST_CHUNKED_BAD) != !!reader.why)
		abort();
	return out;
}

/* The piece ends elsewhere each time; a refusal may come a little earlier or later in bytes taken,
 * but not with another verdict. */
static void check_pieces(const uint8_t *data, size_t size, const struct outcome *whole)
{
	for (size_t step = 1; step < 9 && step < size; step++) {
		struct outcome out = read_body(data, size, step);

		if (out.verdict != whole->verdict || out.len != whole->len ||
			out.taken != whole->taken || memcmp(out.body, whole->body, out.len) != 0)
			abort();
		free(out.body);
	}
}

static void check_h2o(const uint8_t *data, size_t size, const struct outcome *whole)
{
	struct phr_chunked_decoder decoder = {.consume_trailer = 1};
	char *copy = malloc(size);
	size_t len = size;
	ssize_t left;

	memcpy(copy, data, size);
	left = phr_decode_chunked(&decoder, copy, &len);
	if (left != (ssize_t)(size - whole->taken) || len != whole->len ||
		memcmp(copy, whole->body, len) != 0)
		abort();
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole = read_body(data, size, size + 1);

	check_pieces(data, size, &whole);
	if (whole.verdict == REST_CHUNKED_DONE)
		check_h2o(data, size, &whole);
	free(whole.body);
	return 0;
}
