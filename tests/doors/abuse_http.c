/* SPDX-License-Identifier: MIT */
/* Clients of the REST door that mean no good. */
#include "tests/doors/abuse.h"

#include "core/base/clock.h"
#include "core/base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEALTH "GET /healthz HTTP/1.1\r\n" HTTP_HOST "\r\n"

enum {
	TIMES = 1000,
	LIMIT = 1024, /* of connections, by default */
	ABOVE = 60,
};

static void expect_health(const struct ground *g)
{
	struct http_answer answer = {0};
	struct why why;

	if (!ground_http(g, HEALTH, &answer, &why))
		fail_msg("%s", why.text);
	assert_int_equal(answer.status, 200);
	assert_string_equal(answer.body.data, "{\"status\":\"ok\"}");
	http_answer_clear(&answer);
}

static void connects_and_closes(struct ground *g)
{
	for (int i = 0; i < TIMES; i++)
		close(ground_connect(g, DOOR_HTTP));
	expect_health(g);
}

/* Ends a connection by a reset, in which the server's next read or write fails. */
static void reset(int fd)
{
	const struct linger at_once = {.l_onoff = 1};

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
	close(fd);
}

static void resets_anywhere_in_a_request(struct ground *g)
{
	struct bytes request = {0};

	ground_post(&request, "validate", "{\"pci_addresses\":[\"0000:01:00.0\"]}");
	for (size_t len = 0; len <= request.len; len++) {
		int fd = ground_connect(g, DOOR_HTTP);

		http_send(fd, request.data, len);
		reset(fd);
	}
	bytes_clear(&request);
	expect_health(g);
}

/* Those who say nothing make room for those who do. */
static void more_connections_than_the_limit(struct ground *g)
{
	int fds[LIMIT + ABOVE];
	int64_t began = now_ns();

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = ground_connect(g, DOOR_HTTP);
	expect_health(g);
	assert_true(now_ns() - began < 8000 * NS_PER_MS);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

/* A head that is malformed where h2o would notice before it is whole, in two pieces, the first
 * behind a good request. */
static void a_bad_head_in_pieces_behind_a_request(struct ground *g)
{
	static const char *const pieces[][2] = {
		{HEALTH "GET /\x01", "x HTTP/1.1\r\n" HTTP_HOST "\r\n"},
		{HEALTH "GET / HTTP/1.1\r\nHost : x", "\r\n\r\n"},
		{HEALTH "GET / HTTP/1.1\r\n" HTTP_HOST "a\x01: b", "\r\n\r\n"},
		{HEALTH "GET / HTTP/9", ".9\r\n" HTTP_HOST "\r\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		CLEANUP(fd_cleanup) int fd = ground_connect(g, DOOR_HTTP);
		struct http_answer answer = {0};
		struct why why;

		http_send(fd, pieces[i][0], strlen(pieces[i][0]));
		assert_true(http_read(fd, true, &answer, &why));
		assert_int_equal(answer.status, 200);
		http_answer_clear(&answer);
		http_send(fd, pieces[i][1], strlen(pieces[i][1]));
		assert_true(http_read(fd, true, &answer, &why));
		assert_int_equal(answer.status, 400);
		assert_non_null(strstr(answer.body.data, "\"status\":\"INVALID_ARGUMENT\""));
		http_answer_clear(&answer);
		assert_true(http_is_closed(fd));
	}
}

const struct abuse abuse_http[] = {
	{"REST: a thousand connects and closes", connects_and_closes},
	{"REST: resets anywhere in a request", resets_anywhere_in_a_request},
	{"REST: more connections than the limit", more_connections_than_the_limit},
	{"REST: a bad head in pieces behind a request", a_bad_head_in_pieces_behind_a_request},
	{NULL, NULL},
};
