/* SPDX-License-Identifier: MIT */
/* Which request heads pass. */
#include "rest/head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LINE "POST /x HTTP/1.1\r\n"
#define HOST "Host: localhost\r\n"
#define END "\r\n"

static void expect_good(const char *head)
{
	struct rest_head_scan scan = {0};

	if (rest_head_check(&scan, head, strlen(head)) != REST_HEAD_GOOD)
		fail_msg("refused (%s): %s", scan.why ? scan.why : "partial", head);
	assert_int_equal(scan.len, strlen(head));
}

static void expect_bad_bytes(const char *head, size_t size, const char *want)
{
	struct rest_head_scan scan = {0};

	if (rest_head_check(&scan, head, size) != REST_HEAD_BAD)
		fail_msg("not refused: %s", head);
	if (!strstr(scan.why, want))
		fail_msg("%s: \"%s\" has no \"%s\"", head, scan.why, want);
}

static void expect_bad(const char *head, const char *want)
{
	expect_bad_bytes(head, strlen(head), want);
}

static void test_ordinary_heads_pass(void **state)
{
	(void)state;
	expect_good(LINE HOST END);
	expect_good("\r\n" LINE HOST END);
	expect_good("GET / HTTP/1.0\r\nhost:x\r\n\r\n");
	expect_good(LINE HOST "Content-Length: 5\r\nX-Empty:\r\nX-Tab: a\tb\xc3\xa9 \r\n" END);
	expect_good(LINE HOST "Transfer-Encoding: chunked\r\n" END);
	expect_good("OPTIONS * HTTP/1.1\r\n" HOST END);
	expect_good("M-SEARCH http://x/y?z HTTP/1.1\r\nHost:\r\n\r\n");
}

static void test_ambiguous_framing_is_refused(void **state)
{
	(void)state;
	expect_bad(LINE HOST "Content-Length: 1\r\nContent-Length: 2\r\n" END,
		"more than one Content-Length");
	expect_bad(LINE HOST "Content-Length: 1\r\ncontent-length: 1\r\n" END,
		"more than one Content-Length");
	expect_bad(LINE HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n" END,
		"both Content-Length and Transfer-Encoding");
	expect_bad(LINE HOST "Transfer-Encoding: chunked\r\nTRANSFER-ENCODING: chunked\r\n" END,
		"more than one Transfer-Encoding");
	expect_bad(LINE HOST "Content-Length: 1, 1\r\n" END, "Content-Length is not a number");
	expect_bad(LINE HOST "Content-Length: +1\r\n" END, "Content-Length is not a number");
	expect_bad(LINE HOST "Content-Length:\r\n" END, "Content-Length is not a number");
	expect_bad(LINE HOST "Content-Length: 0x1\r\n" END, "Content-Length is not a number");
	expect_bad("POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n" END, "HTTP/1.0");
	expect_bad(LINE HOST "Transfer-Encoding: gzip, chunked\r\n" END, "transfer-encoding");
	expect_bad(LINE HOST "Transfer-Encoding:\r\n" END, "transfer-encoding");
}

static void test_host_is_there_once(void **state)
{
	(void)state;
	expect_bad(LINE END, "Host header is missing");
	expect_bad("GET / HTTP/1.0\r\n\r\n", "Host header is missing");
	expect_bad(LINE HOST HOST END, "more than one Host");
	expect_bad(LINE "X-Host: a\r\n" END, "Host header is missing");
}

static void test_malformed_lines_are_refused(void **state)
{
	static const char with_nul[] = LINE "Host: a\0b\r\n\r\n";

	(void)state;
	expect_bad(LINE HOST "A : b\r\n" END, "whitespace before its colon");
	expect_bad(LINE HOST "A: b\r\n folded\r\n" END, "folded");
	expect_bad(LINE HOST "A: b\r\n\tfolded\r\n" END, "folded");
	expect_bad(LINE HOST "A b\r\n" END, "whitespace before its colon");
	expect_bad(LINE HOST "Ab\r\n" END, "malformed header");
	expect_bad(LINE HOST ": b\r\n" END, "malformed header");
	expect_bad(LINE HOST "A\xc3\xa9: b\r\n" END, "malformed header");
	expect_bad(LINE "Host: a\n\r\n", "carriage return");
	expect_bad("GET / HTTP/1.1\nHost: a\r\n\r\n", "carriage return");
	expect_bad(LINE HOST "A: b\rc\r\n" END, "control character");
	expect_bad(LINE HOST "A: b\x7f\r\n" END, "control character");
	expect_bad_bytes(with_nul, sizeof(with_nul) - 1, "control character");
	expect_bad("GET  / HTTP/1.1\r\n" HOST END, "request line");
	expect_bad("GET /\r\n" HOST END, "request line");
	expect_bad("GET\r\n" HOST END, "request line");
	expect_bad("G{T / HTTP/1.1\r\n" HOST END, "request line");
	expect_bad(" GET / HTTP/1.1\r\n" HOST END, "request line");
	expect_bad("GET / HTTP/1.1 x\r\n" HOST END, "only HTTP/1.0");
	expect_bad("GET / HTTP/2.0\r\n" HOST END, "only HTTP/1.0");
	expect_bad("PRI * HTTP/2.0\r\n\r\n", "only HTTP/1.0");
	expect_bad("GET / http/1.1\r\n" HOST END, "only HTTP/1.0");
	expect_bad("GET /\xc3\xa9 HTTP/1.1\r\n" HOST END, "URL");
	expect_bad("GET /\x01 HTTP/1.1\r\n" HOST END, "URL");
}

/* However the bytes come in, the verdict is the same, and none comes before the end: anew with each
 * part, and going on from part to part. */
static void test_partial_heads_wait(void **state)
{
	static const char head[] = "\r\n" LINE HOST "Content-Length: 5\r\n" END "body\r\n\r\n";
	size_t whole = strlen(head) - strlen("body\r\n\r\n");
	struct rest_head_scan going_on = {0}, scan;

	(void)state;
	for (size_t n = 0; n < whole; n++) {
		char *part = malloc(n + 1);

		memcpy(part, head, n);
		scan = (struct rest_head_scan){0};
		assert_int_equal(rest_head_check(&scan, part, n), REST_HEAD_PARTIAL);
		assert_int_equal(rest_head_check(&going_on, part, n), REST_HEAD_PARTIAL);
		free(part);
	}
	scan = (struct rest_head_scan){0};
	assert_int_equal(rest_head_check(&scan, head, strlen(head)), REST_HEAD_GOOD);
	assert_int_equal(scan.len, whole);
	assert_int_equal(rest_head_check(&going_on, head, strlen(head)), REST_HEAD_GOOD);
	assert_int_equal(going_on.len, whole);
}

static struct rest_head_scan good(const char *head)
{
	struct rest_head_scan scan = {0};

	assert_int_equal(rest_head_check(&scan, head, strlen(head)), REST_HEAD_GOOD);
	return scan;
}

/* Where the body ends is told, and in which line it says so. */
static void test_framing_is_told(void **state)
{
	struct rest_head_scan scan = good(LINE HOST "Content-Length: \t007 \r\nA: b\r\n" END);

	(void)state;
	assert_int_equal(scan.body_len, 7);
	assert_false(scan.chunked);
	assert_int_equal(scan.framing, strlen(LINE HOST));
	assert_int_equal(scan.framing_len, strlen("Content-Length: \t007 \r\n"));
	scan = good(LINE HOST "A: b\r\nTransfer-Encoding: Chunked\r\n" END);
	assert_true(scan.chunked);
	assert_int_equal(scan.framing, strlen(LINE HOST "A: b\r\n"));
	assert_int_equal(scan.framing_len, strlen("Transfer-Encoding: Chunked\r\n"));
	assert_int_equal(good(LINE HOST END).framing_len, 0);
	assert_true(good(LINE HOST "Content-Length: 18446744073709551616\r\n" END).body_len >
		    (size_t)1 << 60);
	assert_true(good(LINE HOST "Content-Length: 99999999999999999999999\r\n" END).body_len >
		    (size_t)1 << 60);
}

static void test_expectations(void **state)
{
	struct rest_head_scan scan = {0};
	static const char magic[] = LINE HOST "Expect: magic\r\n" END;

	(void)state;
	assert_true(good(LINE HOST "Expect: 100-Continue\r\n" END).wants_continue);
	assert_false(
		good("POST / HTTP/1.0\r\n" HOST "Expect: 100-continue\r\n" END).wants_continue);
	assert_false(good(LINE HOST END).wants_continue);
	assert_int_equal(rest_head_check(&scan, magic, strlen(magic)), REST_HEAD_EXPECTATION);
	assert_non_null(strstr(scan.why, "expectation"));
}

static void test_tokens(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		char text = (char)c;
		bool letter =
			(c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		assert_int_equal(
			rest_head_token(&text, 1), letter || (c && strchr("!#$%&'*+-.^_`|~", c)));
	}
}

/* But for what cannot become a request. */
static void test_what_is_no_method_is_refused_at_once(void **state)
{
	(void)state;
	expect_bad("\x16\x03", "request line");
	expect_bad("\r\n\r\n", "request line");
	expect_bad("GET\t/", "request line");
	expect_bad(" ", "request line");
	expect_bad("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG", "request line");
	expect_bad("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\n" HOST END, "request line");
	expect_good("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF / HTTP/1.1\r\n" HOST END);
}

static enum rest_head check(const char *head, size_t size)
{
	struct rest_head_scan scan = {0};

	return rest_head_check(&scan, head, size);
}

static void test_long_heads_are_refused(void **state)
{
	size_t size = REST_HEAD_MAX + 1024;
	char *head = malloc(size);
	int at;

	(void)state;
	memset(head, 'a', size);
	memcpy(head, LINE HOST "A: ", strlen(LINE HOST "A: "));
	assert_int_equal(check(head, size), REST_HEAD_TOO_LONG);
	memcpy(head + size - 4, "\r\n\r\n", 4);
	assert_int_equal(check(head, size), REST_HEAD_TOO_LONG);
	assert_int_equal(check(head, REST_HEAD_MAX - 1), REST_HEAD_PARTIAL);
	at = snprintf(head, size, LINE HOST);
	for (int i = 0; i < REST_HEAD_LINES_MAX - 1; i++)
		at += snprintf(head + at, size - (size_t)at, "A: b\r\n");
	assert_int_equal(check(head, (size_t)at), REST_HEAD_PARTIAL);
	at += snprintf(head + at, size - (size_t)at, "A: b\r\n");
	assert_int_equal(check(head, (size_t)at), REST_HEAD_TOO_LONG);
	free(head);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ordinary_heads_pass),
		cmocka_unit_test(test_ambiguous_framing_is_refused),
		cmocka_unit_test(test_host_is_there_once),
		cmocka_unit_test(test_malformed_lines_are_refused),
		cmocka_unit_test(test_partial_heads_wait),
		cmocka_unit_test(test_framing_is_told),
		cmocka_unit_test(test_expectations),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_what_is_no_method_is_refused_at_once),
		cmocka_unit_test(test_long_heads_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
