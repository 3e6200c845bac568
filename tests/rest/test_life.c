/* SPDX-License-Identifier: MIT */
/* The server: late services, lost clients, load, the orderly end. */
#include "ground.h"

#include "fake_service.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void send_held(int fd)
{
	char request[512];

	format_post(request, sizeof(request), V1 "/devices/info", "{\"pci_address\":\"held\"}");
	http_send_text(fd, request);
}

static void test_late_service(void **state)
{
	struct http_answer answer;
	struct ground ground;
	int fd;

	(void)state;
	ground_open(&ground);
	ground.config.timeout_ms = 50;
	ground_start(&ground);
	fd = http_connect(ground.port);
	send_held(fd);
	fake_wait_held();
	http_read(fd, &answer, true);
	expect_shape(&answer, 504, "DEADLINE_EXCEEDED", "no answer within 50 ms");
	http_answer_clear(&answer);
	/* The connection is good for more, and the late answer disturbs nobody. */
	fake_release();
	http_send_text(fd, "GET /healthz HTTP/1.1\r\n" HOST "\r\n");
	http_read(fd, &answer, true);
	assert_string_equal(answer.body, "{\"status\":\"ok\"}");
	http_answer_clear(&answer);
	close(fd);
	ground_close(&ground);
}

static void test_client_gone(void **state)
{
	struct ground *ground = *state;
	int fd = http_connect(ground->port);
	struct linger reset = {.l_onoff = 1};

	send_held(fd);
	fake_wait_held();
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	fake_release();
	expect_info(ground, "still", "\"address\":\"still\"");
}

/* The stop has begun when the idle connection ends; only then may the service go on. */
static void *release_when_stopping(void *data)
{
	char byte;

	recv(*(int *)data, &byte, 1, 0);
	fake_release();
	return NULL;
}

static void test_graceful_stop(void **state)
{
	struct http_answer answer;
	struct ground ground;
	pthread_t thread;
	int busy, idle;

	(void)state;
	ground_open(&ground);
	ground.config.threads = 1;
	ground_start(&ground);
	idle = http_connect(ground.port);
	http_send_text(idle, "GET /healthz HTTP/1.1\r\n" HOST "\r\n");
	http_read(idle, &answer, true);
	http_answer_clear(&answer);
	busy = http_connect(ground.port);
	send_held(busy);
	fake_wait_held();
	pthread_create(&thread, NULL, release_when_stopping, &idle);
	rest_server_stop(ground.server, 10000);
	pthread_join(thread, NULL);
	http_read(busy, &answer, true);
	assert_int_equal(answer.status, 200);
	assert_true(http_has_header(&answer, "Connection: close"));
	http_answer_clear(&answer);
	http_expect_closed(busy);
	http_expect_closed(idle);
	close(busy);
	close(idle);
	ground_close(&ground);
}

static void test_stop_without_the_service(void **state)
{
	struct http_answer answer;
	struct ground ground;
	int fd, half;

	(void)state;
	ground_open(&ground);
	ground_start(&ground);
	fd = http_connect(ground.port);
	send_held(fd);
	fake_wait_held();
	/* Accepted for certain, and in the middle of its second request. */
	half = http_connect(ground.port);
	http_send_text(half, "GET /healthz HTTP/1.1\r\n" HOST "\r\n");
	http_read(half, &answer, true);
	http_answer_clear(&answer);
	http_send_text(half, "GET /heal");
	rest_server_stop(ground.server, 50);
	http_read(fd, &answer, true);
	expect_shape(&answer, 503, "UNAVAILABLE", "shutting down");
	http_answer_clear(&answer);
	/* Reset, where the server had not read that far. */
	http_expect_ended(half);
	close(half);
	close(fd);
	ground_close(&ground);
	/* Done when nothing of the server is left. */
	fake_release();
}

static void test_connection_limit(void **state)
{
	struct http_answer answer;
	struct ground ground;
	int first, second;

	(void)state;
	ground_open(&ground);
	ground.config.threads = 1;
	ground.config.max_connections = 1;
	ground_start(&ground);
	first = http_connect(ground.port);
	http_send_text(first, "GET /healthz HTTP/1.1\r\n" HOST "\r\n");
	http_read(first, &answer, true);
	http_answer_clear(&answer);
	/* One that is busy has its place; the other waits in the kernel's queue. */
	send_held(first);
	fake_wait_held();
	second = http_connect(ground.port);
	http_send_text(second, "GET /healthz HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(poll(&(struct pollfd){.fd = second, .events = POLLIN}, 1, 300), 0);
	fake_release();
	http_read(first, &answer, true);
	assert_int_equal(answer.status, 200);
	http_answer_clear(&answer);
	/* Answered, it is idle, and makes room. */
	http_read(second, &answer, true);
	assert_int_equal(answer.status, 200);
	http_answer_clear(&answer);
	http_expect_closed(first);
	close(first);
	close(second);
	ground_close(&ground);
}

/* Of several, the one that has been idle for longest goes. */
static void test_the_idle_make_room(void **state)
{
	struct http_answer answer;
	struct ground ground;
	int fds[4];

	(void)state;
	ground_open(&ground);
	ground.config.threads = 1;
	ground.config.max_connections = 3;
	ground_start(&ground);
	for (int i = 0; i < 3; i++) {
		fds[i] = http_connect(ground.port);
		http_send_text(fds[i], "GET /healthz HTTP/1.1\r\n" HOST "\r\n");
		http_read(fds[i], &answer, true);
		http_answer_clear(&answer);
	}
	http_send_text(fds[0], "GET /healthz HTTP/1.1\r\n" HOST "\r\n");
	http_read(fds[0], &answer, true);
	http_answer_clear(&answer);
	fds[3] = http_connect(ground.port);
	for (int i = 0; i < 4; i++) {
		if (i == 1) {
			http_expect_closed(fds[i]);
			continue;
		}
		http_send_text(fds[i], "GET /healthz HTTP/1.1\r\n" HOST "\r\n");
		http_read(fds[i], &answer, true);
		assert_int_equal(answer.status, 200);
		http_answer_clear(&answer);
	}
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	ground_close(&ground);
}

struct load {
	unsigned port;
	int wrong;
};

static void *load_run(void *data)
{
	struct load *load = data;
	int fd = http_connect(load->port);

	for (int i = 0; i < 200; i++) {
		struct http_answer answer;
		char request[256], json[64], want[64];

		snprintf(json, sizeof(json), "{\"pci_address\":\"%s\"}", i % 3 ? "x" : "thread");
		snprintf(want, sizeof(want), "{\"address\":\"%s\",", i % 3 ? "x" : "thread");
		format_post(request, sizeof(request), V1 "/devices/info", json);
		http_send_text(fd, request);
		http_read(fd, &answer, true);
		load->wrong += strncmp(answer.body, want, strlen(want)) != 0;
		http_answer_clear(&answer);
	}
	close(fd);
	return NULL;
}

static void test_many_at_once(void **state)
{
	struct ground *ground = *state;
	struct load load[8];
	pthread_t threads[8];

	for (int i = 0; i < 8; i++) {
		load[i] = (struct load){.port = ground->port};
		pthread_create(&threads[i], NULL, load_run, &load[i]);
	}
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(load[i].wrong, 0);
	}
}

static void *ping(void *server)
{
	rest_server_ping(server);
	return NULL;
}

/* A ping comes back for as long as every loop comes round, and no longer. */
static void test_ping(void **state)
{
	struct http_answer answer;
	struct ground *ground = *state;
	struct timespec soon;
	pthread_t thread;
	char request[512];
	int fd = http_connect(ground->port);

	rest_server_ping(ground->server);
	rest_server_ping(ground->server);
	format_post(request, sizeof(request), V1 "/devices/info", "{\"pci_address\":\"stall\"}");
	http_send_text(fd, request);
	fake_wait_held();
	pthread_create(&thread, NULL, ping, ground->server);
	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_sec += 1;
	assert_int_equal(pthread_timedjoin_np(thread, NULL, &soon), ETIMEDOUT);
	fake_release();
	pthread_join(thread, NULL);
	http_read(fd, &answer, true);
	http_answer_clear(&answer);
	close(fd);
}

static void test_start_fails_without_a_listener(void **state)
{
	struct fault fault = {""};
	struct ground ground;
	int fd;

	(void)state;
	ground_open(&ground);
	fd = ground.config.listen_fd;
	ground.config.listen_fd = -1;
	assert_int_equal(rest_server_start(&ground.config, &ground.server, &fault), -EBADF);
	assert_non_null(strstr(fault.text, "cannot start the REST server"));
	assert_null(ground.server);
	ground.config.listen_fd = fd;
	ground_close(&ground);
}

#define ON_GROUND(test) cmocka_unit_test_setup_teardown(test, ground_setup, ground_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_late_service),
		ON_GROUND(test_client_gone),
		cmocka_unit_test(test_graceful_stop),
		cmocka_unit_test(test_stop_without_the_service),
		cmocka_unit_test(test_connection_limit),
		cmocka_unit_test(test_the_idle_make_room),
		ON_GROUND(test_many_at_once),
		ON_GROUND(test_ping),
		cmocka_unit_test(test_start_fails_without_a_listener),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
