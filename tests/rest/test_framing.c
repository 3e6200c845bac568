/* SPDX-License-Identifier: MIT */
/* The server: where requests begin and end, and how they are smuggled. */
#include "ground.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A JSON object of exactly that many bytes, mostly blanks. */
static void send_body(int fd, size_t len, bool chunked)
{
	char *body = malloc(len), line[32];

	memset(body, ' ', len);
	body[0] = '{';
	body[len - 1] = '}';
	if (chunked) {
		for (size_t at = 0; at < len; at += 4096) {
			size_t n = len - at < 4096 ? len - at : 4096;

			snprintf(line, sizeof(line), "%zx\r\n", n);
			http_send_text(fd, line);
			http_send(fd, body + at, n);
			http_send_text(fd, "\r\n");
		}
		http_send_text(fd, "0\r\n\r\n");
	} else {
		http_send(fd, body, len);
	}
	free(body);
}

static void post_sized(struct ground *ground, size_t len, bool chunked, struct http_answer *ret)
{
	int fd = http_connect(ground->port);
	char head[256], length[64];

	snprintf(length, sizeof(length), "Content-Length: %zu\r\n", len);
	snprintf(head, sizeof(head), "POST " V1 "/devices/info HTTP/1.1\r\n" HOST JSON "%s\r\n",
		chunked ? "Transfer-Encoding: chunked\r\n" : length);
	http_send_text(fd, head);
	send_body(fd, len, chunked);
	http_read(fd, ret, true);
	close(fd);
}

static void test_body_limit(void **state)
{
	struct http_answer answer;

	for (int chunked = 0; chunked < 2; chunked++) {
		post_sized(*state, REST_BODY_MAX, chunked, &answer);
		assert_int_equal(answer.status, 200);
		http_answer_clear(&answer);
		post_sized(*state, REST_BODY_MAX + 1, chunked, &answer);
		expect_shape(&answer, 413, "INVALID_ARGUMENT", "131072 bytes");
		http_answer_clear(&answer);
		/* The answer arrives although most of the body was never read. */
		post_sized(*state, 4 << 20, chunked, &answer);
		expect_shape(&answer, 413, "INVALID_ARGUMENT", "131072 bytes");
		http_answer_clear(&answer);
	}
}

static void test_chunked_in_pieces(void **state)
{
	struct ground *ground = *state;
	const char *text = "POST " V1 "/devices/info HTTP/1.1\r\n" HOST JSON
			   "Transfer-Encoding: chunked\r\n\r\n"
			   "5;ext=1\r\n{\"pci\r\nf\r\n_address\":\"abc\"\r\n1\r\n}\r\n0\r\n"
			   "Trailer: x\r\n\r\n";
	struct http_answer answer;
	int fd = http_connect(ground->port);

	/* Twice on one connection, byte by byte: the gate must come back after a decoded body. */
	for (int i = 0; i < 2; i++) {
		for (const char *c = text; *c; c++)
			http_send(fd, c, 1);
		http_read(fd, &answer, true);
		assert_non_null(strstr(answer.body, "\"address\":\"abc\""));
		assert_true(http_has_header(&answer, "Connection: keep-alive"));
		http_answer_clear(&answer);
	}
	close(fd);
}

static void test_expect_continue(void **state)
{
	struct ground *ground = *state;
	struct http_answer answer;
	int fd = http_connect(ground->port);

	http_send_text(fd, "POST " V1 "/devices/info HTTP/1.1\r\n" HOST JSON
			   "Content-Length: 21\r\nExpect: 100-continue\r\n\r\n");
	http_read(fd, &answer, false);
	assert_int_equal(answer.status, 100);
	http_answer_clear(&answer);
	http_send_text(fd, "{\"pci_address\":\"abc\"}");
	http_read(fd, &answer, true);
	assert_non_null(strstr(answer.body, "\"address\":\"abc\""));
	http_answer_clear(&answer);
	/* And the gate is back. */
	http_send_text(fd, "GET / HTTP/1.1\r\n\r\n");
	http_read(fd, &answer, true);
	expect_shape(&answer, 400, "INVALID_ARGUMENT", "Host header is missing");
	http_answer_clear(&answer);
	close(fd);
}

static void test_pipelining(void **state)
{
	struct ground *ground = *state;
	static const char *const addresses[] = {"a", "thread", "b", "big", "c"};
	size_t count = sizeof(addresses) / sizeof(addresses[0]), len = 0;
	struct http_answer answer;
	char text[4096];
	int fd = http_connect(ground->port);

	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
			"POST " V1 "/devices/info HTTP/1.1\r\n" HOST JSON
			"Content-Length: %zu\r\n\r\n{\"pci_address\":\"%s\"}",
			strlen(addresses[i]) + 18, addresses[i]);
	http_send(fd, text, len);
	for (size_t i = 0; i < count; i++) {
		char want[64];

		http_read(fd, &answer, true);
		snprintf(want, sizeof(want), "{\"address\":\"%s\",", addresses[i]);
		assert_memory_equal(answer.body, want, strlen(want));
		http_answer_clear(&answer);
	}
	close(fd);
}

static const struct {
	const char *head;
	const char *why;
} smuggling[] = {
	{"POST " V1 "/devices/info HTTP/1.1\r\n" HOST JSON
	 "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
		"more than one Content-Length"},
	/* The first is longer than what comes: whoever believes it waits. */
	{"POST " V1 "/devices/info HTTP/1.1\r\n" HOST JSON
	 "Content-Length: 300\r\nContent-Length: 2\r\n\r\n{}",
		"more than one Content-Length"},
	{"POST " V1 "/devices/info HTTP/1.1\r\n" HOST JSON
	 "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
		"both Content-Length"},
	{"GET /healthz HTTP/1.1\r\n\r\n", "Host header is missing"},
	{"GET /healthz HTTP/1.1\r\n" HOST HOST "\r\n", "more than one Host"},
	{"GET /healthz HTTP/1.1\r\nHost : localhost\r\n\r\n", "whitespace before its colon"},
	{"GET /healthz HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n", "folded"},
	{"GET /healthz HTTP/1.1\n" HOST "\r\n", "carriage return"},
	{"GET /healthz HTTP/2.0\r\n" HOST "\r\n", "only HTTP/1.0"},
	{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "only HTTP/1.0"},
	{"nonsense\r\n\r\n", "request line"},
};

static void test_smuggling_is_refused_and_closed(void **state)
{
	struct ground *ground = *state;

	for (size_t i = 0; i < sizeof(smuggling) / sizeof(smuggling[0]); i++) {
		struct http_answer answer;
		int fd = http_connect(ground->port);

		http_send_text(fd, smuggling[i].head);
		http_send_text(fd, "GET /healthz HTTP/1.1\r\n" HOST "\r\n");
		http_read(fd, &answer, true);
		expect_shape(&answer, 400, "INVALID_ARGUMENT", smuggling[i].why);
		assert_true(http_has_header(&answer, "Connection: close"));
		http_answer_clear(&answer);
		http_expect_closed(fd);
		close(fd);
	}
}

/* The same behind another request: in the same packet, and after its answer. */
static void test_smuggling_behind_a_request(void **state)
{
	static const char *const first[] = {
		"GET /healthz HTTP/1.1\r\n" HOST "\r\n",
		"POST " V1 "/devices/info HTTP/1.1\r\n" HOST JSON "Content-Length: 2\r\n\r\n{}",
		"POST " V1 "/devices/info HTTP/1.1\r\n" HOST JSON
		"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
	};
	struct ground *ground = *state;
	size_t count = sizeof(smuggling) / sizeof(smuggling[0]);

	for (size_t i = 0; i < 2 * 3 * count; i++) {
		const char *before = first[i % 3], *head = smuggling[i / 6].head;
		bool together = i / 3 % 2;
		struct http_answer answer;
		int fd = http_connect(ground->port);
		char text[1024];

		snprintf(text, sizeof(text), "%s%s", before, together ? head : "");
		http_send_text(fd, text);
		http_read(fd, &answer, true);
		assert_int_equal(answer.status, 200);
		http_answer_clear(&answer);
		if (!together)
			http_send_text(fd, head);
		http_read(fd, &answer, true);
		expect_shape(&answer, 400, "INVALID_ARGUMENT", smuggling[i / 6].why);
		http_answer_clear(&answer);
		http_expect_closed(fd);
		close(fd);
	}
}

/* And in two pieces, wherever it is cut, so that the first is there when h2o turns to the next. */
static void test_smuggling_behind_a_request_in_pieces(void **state)
{
	static const char first[] = "GET /healthz HTTP/1.1\r\n" HOST "\r\n";
	struct ground *ground = *state;
	size_t count = sizeof(smuggling) / sizeof(smuggling[0]);

	for (size_t i = 0; i < count; i++) {
		const char *head = smuggling[i].head;

		for (size_t cut = 1; cut < strlen(head); cut++) {
			struct http_answer answer;
			int fd = http_connect(ground->port);

			http_send_text(fd, first);
			http_send(fd, head, cut);
			http_read(fd, &answer, true);
			assert_int_equal(answer.status, 200);
			http_answer_clear(&answer);
			http_send_text(fd, head + cut);
			http_read(fd, &answer, true);
			expect_shape(&answer, 400, "INVALID_ARGUMENT", smuggling[i].why);
			http_answer_clear(&answer);
			http_expect_ended(fd);
			close(fd);
		}
	}
}

/* What can be no request is told so without a line's end, which may never come. */
static void test_what_is_no_http(void **state)
{
	expect_error(*state, "\x16\x03\x01\x02", 400, "INVALID_ARGUMENT", "request line");
}

/* In our shape all the same. */
static void test_bodies_that_cannot_be_taken(void **state)
{
	expect_error(*state,
		"POST " V1 "/devices/info HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: gzip\r\n\r\n",
		400, "INVALID_ARGUMENT", "transfer-encoding");
	expect_error(*state,
		"POST " V1 "/devices/info HTTP/1.1\r\n" HOST JSON
		"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
		400, "INVALID_ARGUMENT", "chunked");
	expect_error(*state,
		"POST " V1 "/devices/info HTTP/1.1\r\n" HOST JSON
		"Content-Length: 99999999999999999999999\r\n\r\n",
		413, "INVALID_ARGUMENT", "131072 bytes");
	expect_error(*state,
		"POST " V1 "/devices/info HTTP/1.1\r\n" HOST JSON
		"Content-Length: 2\r\nExpect: magic\r\n\r\n{}",
		417, "INVALID_ARGUMENT", "expectation");
}

static void test_long_head(void **state)
{
	struct ground *ground = *state;
	struct http_answer answer;
	char *head = malloc(70000);
	int fd = http_connect(ground->port);

	memset(head, 'a', 70000);
	memcpy(head, "GET /healthz HTTP/1.1\r\nHost: ", 29);
	http_send(fd, head, 70000);
	http_read(fd, &answer, true);
	expect_shape(&answer, 431, "INVALID_ARGUMENT", "too long");
	http_answer_clear(&answer);
	close(fd);
	free(head);
}

#define ON_GROUND(test) cmocka_unit_test_setup_teardown(test, ground_setup, ground_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_GROUND(test_body_limit),
		ON_GROUND(test_chunked_in_pieces),
		ON_GROUND(test_expect_continue),
		ON_GROUND(test_pipelining),
		ON_GROUND(test_smuggling_is_refused_and_closed),
		ON_GROUND(test_smuggling_behind_a_request),
		ON_GROUND(test_smuggling_behind_a_request_in_pieces),
		ON_GROUND(test_what_is_no_http),
		ON_GROUND(test_bodies_that_cannot_be_taken),
		ON_GROUND(test_long_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
