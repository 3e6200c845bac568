/* SPDX-License-Identifier: MIT */
/* The server: turns, bodies and places among many clients. */
#include "ground.h"

#include "fake_service.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define HEALTH "GET /healthz HTTP/1.1\r\n" HOST "\r\n"
#define POST "POST " V1 "/devices/info HTTP/1.1\r\n" HOST JSON

static void open_one_loop(struct ground *ground, unsigned max_connections)
{
	ground_open(ground);
	ground->config.threads = 1;
	ground->config.max_connections = max_connections;
	ground_start(ground);
}

static void ask_health(int fd)
{
	struct http_answer answer;

	http_send_text(fd, HEALTH);
	http_read(fd, &answer, true);
	assert_int_equal(answer.status, 200);
	http_answer_clear(&answer);
}

/* The number of calls before ours. */
static int read_count(int fd)
{
	struct http_answer answer;
	const char *driver;
	int count;

	http_read(fd, &answer, true);
	driver = strstr(answer.body, "\"driver\":\"");
	assert_non_null(driver);
	count = atoi(driver + strlen("\"driver\":\""));
	http_answer_clear(&answer);
	return count;
}

static void add_info(char **text, size_t *len, const char *address)
{
	char request[512], json[64];

	snprintf(json, sizeof(json), "{\"pci_address\":\"%s\"}", address);
	format_post(request, sizeof(request), V1 "/devices/info", json);
	*text = realloc(*text, *len + strlen(request) + 1);
	strcpy(*text + *len, request);
	*len += strlen(request);
}

static void send_info(int fd, const char *address)
{
	char *text = NULL;
	size_t len = 0;

	add_info(&text, &len, address);
	http_send(fd, text, len);
	free(text);
}

/* While the loop is held, some send hundreds of requests in a row, and then one sends a single
 * request: only a few of theirs are answered before it. */
static void expect_turns(struct ground *ground, size_t pipeliners)
{
	enum { IN_A_ROW = 200, MAX = 8 };
	int fds[MAX], fd = http_connect(ground->port), before, count;
	int holder = http_connect(ground->port);
	char *text = NULL;
	size_t len = 0;

	ask_health(fd);
	ask_health(holder);
	for (size_t i = 0; i < pipeliners; i++) {
		fds[i] = http_connect(ground->port);
		ask_health(fds[i]);
	}
	for (int i = 0; i < IN_A_ROW; i++)
		add_info(&text, &len, "x");
	send_info(fd, "count");
	before = read_count(fd);
	send_info(holder, "stall");
	fake_wait_held();
	/* In this order: h2o takes those first that have come last. */
	send_info(fd, "count");
	for (size_t i = 0; i < pipeliners; i++)
		http_send(fds[i], text, len);
	fake_release();
	count = read_count(fd) - before;
	if (count > 20 * (int)pipeliners)
		fail_msg("%d calls of others came before it", count);
	for (size_t i = 0; i < pipeliners; i++)
		close(fds[i]);
	close(holder);
	close(fd);
	free(text);
}

static void test_pipelines_let_others_have_their_turn(void **state)
{
	struct ground ground;

	(void)state;
	open_one_loop(&ground, 0);
	expect_turns(&ground, 1);
	expect_turns(&ground, 8);
	ground_close(&ground);
}

/* Nothing is done any more for who has gone, whatever was sent before. */
static void test_a_pipeline_ends_with_its_client(void **state)
{
	const struct linger reset = {.l_onoff = 1};
	int piped, fd, before, after;
	struct ground ground;
	char *text = NULL;
	size_t len = 0;

	(void)state;
	open_one_loop(&ground, 0);
	fd = http_connect(ground.port);
	send_info(fd, "count");
	before = read_count(fd);
	piped = http_connect(ground.port);
	ask_health(piped);
	add_info(&text, &len, "stall");
	for (int i = 0; i < 30; i++)
		add_info(&text, &len, "x");
	http_send(piped, text, len);
	fake_wait_held();
	setsockopt(piped, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(piped);
	fake_release();
	for (int i = 0; i < 40; i++)
		ask_health(fd);
	send_info(fd, "count");
	after = read_count(fd);
	assert_true(after - before >= 2 && after - before <= 5);
	close(fd);
	ground_close(&ground);
	free(text);
}

static void test_a_pipeline_has_an_end(void **state)
{
	struct ground *ground = *state;
	int fd = http_connect(ground->port);
	struct http_answer answer;
	size_t len = 0, one = strlen(HEALTH), count = REST_PIPELINED_MAX + 44;
	char *text = malloc(count * one);

	for (size_t i = 0; i < count; i++, len += one)
		memcpy(text + len, HEALTH, one);
	/* One who waits may go on for ever. */
	for (size_t i = 0; i < count; i++)
		ask_health(fd);
	http_send(fd, text, len);
	for (int i = 0; i <= REST_PIPELINED_MAX; i++) {
		http_read(fd, &answer, true);
		assert_int_equal(answer.status, 200);
		assert_int_equal(
			http_has_header(&answer, "Connection: close"), i == REST_PIPELINED_MAX);
		http_answer_clear(&answer);
	}
	http_expect_closed(fd);
	close(fd);
	free(text);
}

/* From the head alone: not a byte of the body is there, nor would one be read. */
static void test_bodies_of_strangers_are_not_waited_for(void **state)
{
	static const struct {
		const char *head;
		int status;
		const char *code, *text;
	} refused[] = {
		{POST "Content-Length: 100000\r\n\r\n", 401, "UNAUTHENTICATED", "api key"},
		{POST "Transfer-Encoding: chunked\r\n\r\n", 401, "UNAUTHENTICATED", "api key"},
		{POST "Content-Length: 100\r\nExpect: 100-continue\r\n\r\n", 401, "UNAUTHENTICATED",
			"api key"},
		{POST "Content-Length: 9\r\nX-Volant-API-Key: no\r\n\r\n{", 401, "UNAUTHENTICATED",
			"api key"},
		{"POST /nowhere HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n"
		 "X-Volant-API-Key: key\r\n\r\n",
			404, "NOT_FOUND", "no such path"},
		{"POST " V1 "/devices/info HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n"
		 "X-Volant-API-Key: key\r\n\r\n",
			415, "INVALID_ARGUMENT", "application/json"},
		{POST "Content-Length: 131073\r\nExpect: 100-continue\r\n"
		      "X-Volant-API-Key: key\r\n\r\n",
			413, "INVALID_ARGUMENT", "131072 bytes"},
	};
	struct http_answer answer;
	struct fault fault;
	struct ground ground;

	(void)state;
	ground_open(&ground);
	assert_int_equal(rest_access_set_key(&ground.access, "key", &fault), 0);
	ground_start(&ground);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		int fd = http_connect(ground.port);

		http_send_text(fd, refused[i].head);
		http_read(fd, &answer, true);
		expect_shape(&answer, refused[i].status, refused[i].code, refused[i].text);
		assert_true(http_has_header(&answer, "Connection: close"));
		http_answer_clear(&answer);
		http_expect_closed(fd);
		close(fd);
	}
	ground_close(&ground);
}

/* What came along is passed over, and the connection good for more. */
static void test_a_refused_request_that_is_whole_keeps_the_connection(void **state)
{
	static const char *const requests[] = {
		"POST /nowhere HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n0123456789",
		"POST /nowhere HTTP/1.1\r\n" HOST
		"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"POST /healthz HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}",
	};
	struct ground *ground = *state;
	int fd = http_connect(ground->port);

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct http_answer answer;

		http_send_text(fd, requests[i]);
		http_read(fd, &answer, true);
		assert_true(answer.status == 404 || answer.status == 405);
		assert_true(http_has_header(&answer, "Connection: keep-alive"));
		http_answer_clear(&answer);
		ask_health(fd);
	}
	close(fd);
}

static void test_a_get_with_a_body(void **state)
{
	struct ground *ground = *state;
	int fd = http_connect(ground->port);
	struct http_answer answer;

	http_send_text(fd, "GET /healthz HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nab");
	assert_int_equal(poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 100), 0);
	http_send_text(fd, "cd" HEALTH);
	for (int i = 0; i < 2; i++) {
		http_read(fd, &answer, true);
		assert_int_equal(answer.status, 200);
		http_answer_clear(&answer);
	}
	close(fd);
}

static void test_malformed_chunks_end_the_connection(void **state)
{
	static const struct {
		const char *body, *why;
	} bodies[] = {
		{"1e \r\n", "no hex number"},
		{"2\n{}\n0\n\n", "no hex number"},
		{"0x1e\r\n", "no hex number"},
		{"2;a\nb\r\n{}\r\n0\r\n\r\n", "control character"},
		{"2\r\n{}\r\n0\r\nA b: c\r\n\r\n", "malformed trailer"},
		{"2\r\n{}x", "longer than its size"},
	};
	struct ground *ground = *state;

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		int fd = http_connect(ground->port);
		struct http_answer answer;

		http_send_text(fd, POST "Transfer-Encoding: chunked\r\n\r\n");
		http_send_text(fd, bodies[i].body);
		http_read(fd, &answer, true);
		expect_shape(&answer, 400, "INVALID_ARGUMENT", bodies[i].why);
		assert_true(http_has_header(&answer, "Connection: close"));
		http_answer_clear(&answer);
		http_expect_closed(fd);
		close(fd);
	}
}

/* Extensions, trailers and tiny chunks without end: an answer, long before a megabyte. */
static void test_chunks_without_end(void **state)
{
	static const char *const endless[][2] = {
		{"1;", "aaaaaaaaaaaaaaaa"},
		{"0\r\nA: ", "aaaaaaaaaaaaaaaa"},
		{"", "1\r\n{\r\n"},
	};
	struct ground *ground = *state;

	for (size_t i = 0; i < 3; i++) {
		int fd = http_connect(ground->port);
		struct pollfd state_of = {.fd = fd, .events = POLLIN};
		struct http_answer answer;
		size_t sent = 0;

		http_send_text(fd, POST "Transfer-Encoding: chunked\r\n\r\n");
		http_send_text(fd, endless[i][0]);
		while (poll(&state_of, 1, 0) == 0 && sent < 1 << 20) {
			http_send_text(fd, endless[i][1]);
			sent += strlen(endless[i][1]);
		}
		assert_true(sent < 1 << 20);
		http_read(fd, &answer, true);
		expect_shape(&answer, 400, "INVALID_ARGUMENT", "a chunked body");
		http_answer_clear(&answer);
		close(fd);
	}
}

static void test_half_closed(void **state)
{
	static const char *const unfinished[] = {"GET /heal", POST "Content-Length: 9\r\n\r\n{",
		POST "Transfer-Encoding: chunked\r\n\r\n2\r\n{"};
	struct ground *ground = *state;
	struct http_answer answer;
	int fd = http_connect(ground->port);

	/* Each whole request has its answer. */
	http_send_text(fd, HEALTH HEALTH);
	shutdown(fd, SHUT_WR);
	for (int i = 0; i < 2; i++) {
		http_read(fd, &answer, true);
		assert_int_equal(answer.status, 200);
		http_answer_clear(&answer);
	}
	http_expect_closed(fd);
	close(fd);
	for (size_t i = 0; i < sizeof(unfinished) / sizeof(unfinished[0]); i++) {
		fd = http_connect(ground->port);
		http_send_text(fd, unfinished[i]);
		shutdown(fd, SHUT_WR);
		http_read(fd, &answer, true);
		expect_shape(&answer, 400, "INVALID_ARGUMENT", "ended before the request did");
		http_answer_clear(&answer);
		http_expect_closed(fd);
		close(fd);
	}
}

/* The memory of bodies is bounded: with too many, the one that has been coming for longest is
 * refused, and others are served. */
static void test_bodies_in_bulk(void **state)
{
	enum { BODIES = 2 * REST_LOOP_BYTES_MAX / REST_BODY_MAX, PART = 120000 };
	char *part = malloc(PART);
	struct http_answer answer;
	struct ground ground;
	int fds[BODIES], fd;

	(void)state;
	memset(part, ' ', PART);
	open_one_loop(&ground, 0);
	for (int i = 0; i < BODIES; i++) {
		fds[i] = http_connect(ground.port);
		http_send_text(fds[i], POST "Content-Length: 131072\r\n\r\n");
		http_send(fds[i], part, PART);
	}
	http_read(fds[0], &answer, true);
	expect_shape(&answer, 503, "UNAVAILABLE", "too many requests are being sent");
	http_answer_clear(&answer);
	expect_info(&ground, "x", "\"address\":\"x\"");
	/* The last to come can still come to its end. */
	fd = fds[BODIES - 1];
	http_send(fd, part, REST_BODY_MAX - PART);
	http_read(fd, &answer, true);
	expect_shape(&answer, 400, "INVALID_ARGUMENT", "");
	http_answer_clear(&answer);
	for (int i = 0; i < BODIES; i++)
		close(fds[i]);
	ground_close(&ground);
	free(part);
}

/* Of connections without a whole request the one makes room that has been so for longest; not one
 * that is being served. */
static void test_the_slow_make_room(void **state)
{
	struct ground ground;
	int slow, body, held, fresh;
	struct http_answer answer;

	(void)state;
	open_one_loop(&ground, 3);
	held = http_connect(ground.port);
	send_info(held, "held");
	fake_wait_held();
	slow = http_connect(ground.port);
	ask_health(slow);
	http_send_text(slow, "GET /heal");
	body = http_connect(ground.port);
	ask_health(body);
	http_send_text(body, POST "Content-Length: 21\r\n\r\n{\"pci_");
	fresh = http_connect(ground.port);
	ask_health(fresh);
	http_expect_ended(slow);
	http_send_text(body, "address\":\"abc\"}");
	http_read(body, &answer, true);
	assert_non_null(strstr(answer.body, "\"address\":\"abc\""));
	http_answer_clear(&answer);
	fake_release();
	http_read(held, &answer, true);
	assert_int_equal(answer.status, 200);
	http_answer_clear(&answer);
	close(slow);
	close(body);
	close(held);
	close(fresh);
	ground_close(&ground);
}

static int connect_from(unsigned port, const char *address)
{
	struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET};
	const struct timeval patience = {.tv_sec = 10};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, address, &from.sin_addr);
	to.sin_port = htons((uint16_t)port);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* The peer that has most gives way, however long others have been idle. */
static void test_the_many_make_room(void **state)
{
	struct ground ground;
	int few, many[3], fresh;

	(void)state;
	open_one_loop(&ground, 4);
	few = connect_from(ground.port, "127.0.0.2");
	ask_health(few);
	for (int i = 0; i < 3; i++) {
		many[i] = connect_from(ground.port, "127.0.0.3");
		ask_health(many[i]);
	}
	fresh = connect_from(ground.port, "127.0.0.4");
	ask_health(fresh);
	http_expect_closed(many[0]);
	ask_health(few);
	ask_health(many[1]);
	for (int i = 0; i < 3; i++)
		close(many[i]);
	close(few);
	close(fresh);
	ground_close(&ground);
}

#define ON_GROUND(test) cmocka_unit_test_setup_teardown(test, ground_setup, ground_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pipelines_let_others_have_their_turn),
		cmocka_unit_test(test_a_pipeline_ends_with_its_client),
		ON_GROUND(test_a_pipeline_has_an_end),
		cmocka_unit_test(test_bodies_of_strangers_are_not_waited_for),
		ON_GROUND(test_a_refused_request_that_is_whole_keeps_the_connection),
		ON_GROUND(test_a_get_with_a_body),
		ON_GROUND(test_malformed_chunks_end_the_connection),
		ON_GROUND(test_chunks_without_end),
		ON_GROUND(test_half_closed),
		cmocka_unit_test(test_bodies_in_bulk),
		cmocka_unit_test(test_the_slow_make_room),
		cmocka_unit_test(test_the_many_make_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
