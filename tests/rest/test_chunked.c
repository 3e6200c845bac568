/* SPDX-License-Identifier: MIT */
/* Which chunked bodies pass, and as what. */
#include "rest/chunked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LIMIT 100

/* What came of a body. */
struct outcome {
	enum rest_chunked verdict;
	const char *why;
	char body[4096];
	size_t len;
	size_t left; /* bytes behind it, unread */
};

/* Reads text in pieces of that many bytes. Where one is behind another in memory, as in life, the
 * end of the text is the end of what may be read. */
static void read_in_pieces(const char *text, size_t len, size_t step, struct outcome *ret)
{
	struct rest_chunked_reader reader = {.limit = LIMIT};

	*ret = (struct outcome){.left = len};
	while (ret->verdict == REST_CHUNKED_PARTIAL && ret->left > 0) {
		size_t n = step < ret->left ? step : ret->left, taken = 0, whole = n;
		char *piece = malloc(n);

		memcpy(piece, text + len - ret->left, n);
		ret->verdict = rest_chunked_read(&reader, piece, &n, &taken);
		assert_true(taken <= whole && n <= taken);
		memcpy(ret->body + ret->len, piece, n);
		ret->len += n;
		ret->left -= taken;
		free(piece);
	}
	ret->why = reader.why;
}

static void read_whole(const char *text, struct outcome *ret)
{
	read_in_pieces(text, strlen(text), strlen(text), ret);
}

static void expect_body(const char *text, const char *body, size_t left)
{
	struct outcome outcome;

	for (size_t step = 1; step <= strlen(text); step++) {
		read_in_pieces(text, strlen(text), step, &outcome);
		if (outcome.verdict != REST_CHUNKED_DONE)
			fail_msg("not done (%s) in steps of %zu: %s",
				outcome.why ? outcome.why : "partial", step, text);
		assert_int_equal(outcome.len, strlen(body));
		assert_memory_equal(outcome.body, body, outcome.len);
		if (step == strlen(text))
			assert_int_equal(outcome.left, left);
	}
}

static void expect_verdict(const char *text, enum rest_chunked verdict, const char *want)
{
	struct outcome outcome;

	for (size_t step = 1; step <= strlen(text); step++) {
		read_in_pieces(text, strlen(text), step, &outcome);
		if (outcome.verdict != verdict)
			fail_msg("verdict %d in steps of %zu: %s", outcome.verdict, step, text);
		if (want && (!outcome.why || !strstr(outcome.why, want)))
			fail_msg("%s: \"%s\" has no \"%s\"", text, outcome.why, want);
	}
}

static void expect_bad(const char *text, const char *want)
{
	expect_verdict(text, REST_CHUNKED_BAD, want);
}

static void test_ordinary_bodies(void **state)
{
	(void)state;
	expect_body("0\r\n\r\n", "", 0);
	expect_body("5\r\nhello\r\n0\r\n\r\n", "hello", 0);
	expect_body("2\r\nhe\r\n03\r\nllo\r\n000\r\n\r\n", "hello", 0);
	expect_body("A\r\n0123456789\r\n0\r\n\r\n", "0123456789", 0);
	expect_body("a\r\n\r\n0\r\n\r\n1\r\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n1\r\n", 0);
	expect_body("0\r\n\r\nGET / HTTP/1.1\r\n", "", strlen("GET / HTTP/1.1\r\n"));
	expect_body("1\r\n{\r\n0\r\n\r\n\r\n", "{", 2);
}

static void test_extensions_and_trailers_are_passed_over(void **state)
{
	(void)state;
	expect_body("1;a\r\nx\r\n0;b=\"c;\td\"\r\n\r\n", "x", 0);
	expect_body("0\r\nA: b\r\nContent-Length: 7\r\nC:\r\n\r\n", "", 0);
}

static void test_sizes_are_strict(void **state)
{
	(void)state;
	expect_bad("1e \r\n", "no hex number");
	expect_bad(" 1\r\n", "no hex number");
	expect_bad("0x1e\r\n", "no hex number");
	expect_bad("+1\r\n", "no hex number");
	expect_bad("-1\r\n", "no hex number");
	expect_bad("\r\n", "no hex number");
	expect_bad(";a\r\n", "no hex number");
	expect_bad("zz\r\n", "no hex number");
	expect_bad("1\nx", "no hex number");
	expect_bad("1\rx", "carriage return");
	expect_bad("1\r\r\n", "carriage return");
	expect_bad("000000001\r\n", "too many digits");
	expect_body("00000001\r\nx\r\n0\r\n\r\n", "x", 0);
}

static void test_chunks_end_where_they_say(void **state)
{
	(void)state;
	expect_bad("1\r\nxy", "longer than its size");
	expect_bad("1\r\nx\n", "longer than its size");
	expect_bad("1\r\nx\rz", "carriage return");
	expect_bad("2\r\nx\r\n0\r\n\r\n", "longer than its size");
}

static void test_extensions_are_judged(void **state)
{
	(void)state;
	expect_bad("1;a\nx", "control character");
	expect_bad("1;a\x01\r\n", "control character");
	expect_bad("1;a\x7f\r\n", "control character");
	expect_bad("1;a\rb\r\n", "carriage return");
}

static void test_trailers_are_judged(void **state)
{
	(void)state;
	expect_bad("0\r\nA b: c\r\n\r\n", "malformed trailer");
	expect_bad("0\r\n A: b\r\n\r\n", "malformed trailer");
	expect_bad("0\r\n: b\r\n\r\n", "malformed trailer");
	expect_bad("0\r\nA\r\n\r\n", "malformed trailer");
	expect_bad("0\r\nA: b\n\r\n", "malformed trailer");
	expect_bad("0\r\nA: b\x01\r\n\r\n", "malformed trailer");
	expect_bad("0\r\nA: b\rc\r\n\r\n", "carriage return");
	expect_bad("0\r\n\n", "malformed trailer");
	expect_bad("0\r\n\rx", "carriage return");
}

static void test_long_bodies(void **state)
{
	char text[LIMIT + 64];
	struct outcome outcome;

	(void)state;
	expect_verdict("65\r\n", REST_CHUNKED_TOO_LONG, NULL);
	expect_verdict("ffffffffffffffff\r\n", REST_CHUNKED_TOO_LONG, NULL);
	expect_verdict("10000000000000000\r\n", REST_CHUNKED_TOO_LONG, NULL);
	/* At its size, before a byte of the chunk is there. */
	snprintf(text, sizeof(text), "60\r\n%*s\r\n5", 0x60, "");
	expect_verdict(text, REST_CHUNKED_TOO_LONG, NULL);
	snprintf(text, sizeof(text), "60\r\n%*s\r\n4\r\n    \r\n0\r\n\r\n", 0x60, "");
	read_whole(text, &outcome);
	assert_int_equal(outcome.verdict, REST_CHUNKED_DONE);
	assert_int_equal(outcome.len, LIMIT);
}

/* Reads the text again and again, until there is a verdict. The bytes that took. */
static size_t read_without_end(
	const char *begin, const char *text, size_t limit, struct rest_chunked_reader *reader)
{
	enum rest_chunked verdict;
	char piece[64];
	size_t n = strlen(begin), taken, total = 0;

	*reader = (struct rest_chunked_reader){.limit = limit};
	memcpy(piece, begin, n);
	verdict = rest_chunked_read(reader, piece, &n, &taken);
	while (verdict == REST_CHUNKED_PARTIAL && total < 10 << 20) {
		n = strlen(text);
		memcpy(piece, text, n);
		verdict = rest_chunked_read(reader, piece, &n, &taken);
		total += taken;
	}
	assert_int_equal(verdict, REST_CHUNKED_BAD);
	return total;
}

static void test_what_is_around_a_body_is_bounded(void **state)
{
	struct rest_chunked_reader reader;

	(void)state;
	assert_true(read_without_end("1;", "aaaaaaaa", LIMIT, &reader) <=
		    REST_CHUNKED_EXTENSIONS_MAX + 8);
	assert_non_null(strstr(reader.why, "too many chunk extensions"));
	/* Those of all chunks together. */
	assert_true(read_without_end("", "1;aaaa\r\nx\r\n", 1 << 20, &reader) <=
		    REST_CHUNKED_EXTENSIONS_MAX * 3);
	assert_non_null(strstr(reader.why, "too many chunk extensions"));
	assert_true(read_without_end("0\r\nA: ", "aaaaaaaa", LIMIT, &reader) <=
		    REST_CHUNKED_TRAILERS_MAX + 8);
	assert_non_null(strstr(reader.why, "too many trailers"));
	assert_true(read_without_end("0\r\n", "A: b\r\n", LIMIT, &reader) <=
		    (REST_CHUNKED_TRAILER_LINES_MAX + 1) * strlen("A: b\r\n"));
	assert_non_null(strstr(reader.why, "too many trailers"));
	assert_true(read_without_end("", "1\r\nx\r\n", 1 << 20, &reader) <=
		    REST_CHUNKED_FRAMING_MAX * 6 / 5 + 6);
	assert_non_null(strstr(reader.why, "too small chunks"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ordinary_bodies),
		cmocka_unit_test(test_extensions_and_trailers_are_passed_over),
		cmocka_unit_test(test_sizes_are_strict),
		cmocka_unit_test(test_chunks_end_where_they_say),
		cmocka_unit_test(test_extensions_are_judged),
		cmocka_unit_test(test_trailers_are_judged),
		cmocka_unit_test(test_long_bodies),
		cmocka_unit_test(test_what_is_around_a_body_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
