/* SPDX-License-Identifier: MIT */
/* Connections of a server: how they come and go, and which make room for others. */
#include "tests/rpc/test.h"

#include "core/base/clock.h"
#include "rpc/nng/publisher.h"
#include "tests/rpc/nng/ask.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* Asks over a connection and expects an answer over it. */
static void expect_over(int fd, bool ipc, const struct rpc_bytes *request)
{
	Rpc__V1__Response *response = NULL;
	struct fault fault;
	struct rpc_bytes reply;

	raw_send(fd, ipc, 1, request->data, request->len);
	reply = raw_receive(fd, ipc, 1);
	assert_non_null(reply.data);
	assert_int_equal(rpc_envelope_decode_response(reply.data, reply.len, &response, &fault), 0);
	assert_int_equal(ask_code(response), RPC_OK);
	rpc__v1__response__free_unpacked(response, NULL);
	rpc_bytes_free(&reply);
}

/* Hung up on; false: not within so many seconds. */
static bool is_let_go(int fd, int seconds)
{
	struct pollfd end = {.fd = fd, .events = POLLRDHUP};

	return poll(&end, 1, seconds * 1000) == 1 && (end.revents & (POLLRDHUP | POLLHUP));
}

static void close_all(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
}

/* A client that was there before has its connection still, and one that comes is served: with
 * another listener in the process, as vfiod has one for events, and whichever of the two it is. */
static void test_bare_connects_do_no_harm(void **state)
{
	struct host *host = *state;
	const char *const urls[] = {host->ipc, host->tcp};
	struct rpc_publisher *publisher = NULL;
	struct rpc_bytes bytes = ask_info("x", "", 0);
	struct fault fault;
	char events[64];

	snprintf(events, sizeof(events), "ipc://%s-events", host->path);
	assert_int_equal(rpc_publisher_open(events, (gid_t)-1, &publisher, &fault), 0);
	for (int i = 0; i < 2; i++) {
		int kept = raw_open(urls[i]);

		for (int n = 0; n < 1000; n++)
			close(raw_connect(urls[i]));
		expect_over(kept, i == 0, &bytes);
		ask_expect(urls[i], ask_info("x", "", 0), RPC_OK);
		close(kept);
	}
	rpc_publisher_close(publisher);
	rpc_bytes_free(&bytes);
}

/* nng 1.5 by itself would let go of no connection any more after a few of these (rpc/nng/mend.c).
 */
static void test_clients_that_leave_take_all_with_them(void **state)
{
	struct host *host = *state;
	struct rpc_bytes big = ask_info("big", "", 0);
	unsigned before = ask_fds();

	for (int i = 0; i < 24; i++) {
		const char *url = i % 2 ? host->tcp : host->ipc;
		int fd = raw_open(url);

		for (uint32_t n = 0; n < 3u << i % 3; n++)
			raw_send(fd, i % 2 == 0, n, big.data, big.len);
		close(fd);
	}
	ask_expect_fds(before);
	ask_expect(host->ipc, ask_info("x", "", 0), RPC_OK);
	ask_expect(host->tcp, ask_info("x", "", 0), RPC_OK);
	rpc_bytes_free(&big);
}

/* A client asks more than there are contexts for, and goes. */
static void test_lost_connection_frees_its_contexts(void **state)
{
	struct host *host = *state;
	struct rpc_bytes request = ask_info("x", "", 0);

	for (int i = 0; i < 6; i++) {
		const char *url = i % 2 ? host->tcp : host->ipc;
		int fd = raw_open(url);

		for (uint32_t n = 0; n < 1500; n++)
			raw_send(fd, i % 2 == 0, n, request.data, request.len);
		shutdown(fd, SHUT_RD); /* what is sent to it from here on fails */
		close(fd);
	}
	for (int i = 0; i < 10; i++)
		ask_expect(i % 2 ? host->tcp : host->ipc, ask_info("x", "", 0), RPC_OK);
	rpc_bytes_free(&request);
}

/* 512 places. Of those that never asked, who came first goes first; who did ask stays. */
static void test_silent_connections_make_room(void **state)
{
	struct host *host = *state;
	const char *const urls[] = {host->ipc, host->tcp};
	struct rpc_bytes bytes = ask_info("x", "", 0);

	for (int i = 0; i < 2; i++) {
		int used = raw_open(urls[i]), fds[600];

		expect_over(used, i == 0, &bytes);
		for (size_t n = 0; n < 600; n++)
			fds[n] = raw_open(urls[i]);
		assert_true(is_let_go(fds[0], 20));
		ask_expect(urls[i], ask_info("x", "", 0), RPC_OK);
		ask_expect(urls[!i], ask_info("x", "", 0), RPC_OK);
		expect_over(used, i == 0, &bytes);
		expect_over(fds[599], i == 0, &bytes);
		close_all(fds, 600);
		close(used);
	}
	rpc_bytes_free(&bytes);
}

/* A connection whose request is being served is not let go for another's. */
static void test_busy_connections_stay(void **state)
{
	struct host *host = *state;
	struct rpc_bytes hold = ask_info("hold", "", 60000), reply;
	int busy = raw_open(host->ipc), fds[600];

	raw_send(busy, true, 1, hold.data, hold.len);
	fake_wait_held(host->fake, 1);
	for (size_t n = 0; n < 600; n++)
		fds[n] = raw_open(host->ipc);
	assert_true(is_let_go(fds[0], 20));
	fake_finish(host->fake);
	reply = raw_receive(busy, true, 1);
	assert_non_null(reply.data);
	close_all(fds, 600);
	close(busy);
	rpc_bytes_free(&reply);
	rpc_bytes_free(&hold);
}

/* Those that do not even greet cost no more descriptors than there are places. */
static void test_half_open_connections_make_room(void **state)
{
	struct host *host = *state;
	const char *const urls[] = {host->ipc, host->tcp};
	struct rpc_bytes bytes = ask_info("x", "", 0);

	for (int i = 0; i < 2; i++) {
		unsigned before = ask_fds();
		int used = raw_open(urls[i]), fds[1500];

		expect_over(used, i == 0, &bytes);
		for (size_t n = 0; n < 1500; n++)
			fds[n] = raw_connect(urls[i]);
		assert_true(is_let_go(fds[0], 20));
		for (int n = 0; n < 10; n++)
			ask_expect(urls[i], ask_info("x", "", 0), RPC_OK);
		size_t now = ask_fds();
		assert_true(now >= 1500 && now <= before + 1500 + 2 + 512 + 64);
		expect_over(used, i == 0, &bytes);
		close_all(fds, 1500);
		close(used);
	}
	rpc_bytes_free(&bytes);
}

/* Replies to clients that take none wait apart, and these clients are let go, while others are
 * served at once: each of those would hold one of 16 contexts for two seconds. */
static void test_deaf_clients_do_not_starve_others(void **state)
{
	struct host *host = *state;
	struct rpc_bytes big = ask_info("big", "", 0);
	int deaf[24];
	int64_t start_ns;

	for (size_t i = 0; i < 24; i++) {
		deaf[i] = raw_open(i % 2 ? host->tcp : host->ipc);
		for (uint32_t n = 0; n < 4; n++)
			raw_send(deaf[i], i % 2 == 0, n, big.data, big.len);
	}
	start_ns = now_ns();
	for (int i = 0; i < 50; i++)
		ask_expect(i % 2 ? host->tcp : host->ipc, ask_info("x", "", 0), RPC_OK);
	assert_true(now_ns() - start_ns < 5000 * NS_PER_MS); /* else 12 s at least */
	for (size_t i = 0; i < 24; i += 2)
		assert_true(is_let_go(deaf[i], 20));
	close_all(deaf, 24);
	rpc_bytes_free(&big);
}

/* Connections end by turns with replies half sent and requests in hand;
 * nng by itself could hang for good then, and keep each descriptor from then on. */
static void test_connections_end_half_closed(void **state)
{
	struct host *host = *state;
	struct rpc_bytes big = ask_info("big", "", 0);
	unsigned before = ask_fds();
	char some[65536];

	for (unsigned i = 0; i < 100; i++) {
		int fd = raw_open(i % 2 ? host->tcp : host->ipc);

		for (uint32_t n = 0; n < 1 + i % 3; n++)
			raw_send(fd, i % 2 == 0, n, big.data, big.len);
		for (unsigned n = 0; n < i % 7; n++)
			assert_true(read(fd, some, sizeof(some)) > 0);
		if (i % 3 == 2)
			shutdown(fd, SHUT_WR);
		for (unsigned n = 0; n < i % 3; n++)
			if (read(fd, some, sizeof(some)) <= 0)
				break;
		close(fd);
	}
	ask_expect_fds(before);
	ask_expect(host->ipc, ask_info("x", "", 0), RPC_OK);
	ask_expect(host->tcp, ask_info("x", "", 0), RPC_OK);
	rpc_bytes_free(&big);
}

/* Subscribers are bounded as callers are. */
static void test_subscribers_make_room(void **state)
{
	static const uint8_t hello[] = {0, 'S', 'P', 0, 0, 0x21, 0, 0};
	struct host *host = *state;
	struct rpc_publisher *publisher = NULL;
	struct fault fault;
	char events[64];
	int fds[600];

	snprintf(events, sizeof(events), "ipc://%s-events", host->path);
	assert_int_equal(rpc_publisher_open(events, (gid_t)-1, &publisher, &fault), 0);
	for (size_t i = 0; i < 600; i++) {
		uint8_t theirs[8];

		fds[i] = raw_connect(events);
		assert_int_equal(write(fds[i], hello, sizeof(hello)), sizeof(hello));
		assert_int_equal(recv(fds[i], theirs, sizeof(theirs), MSG_WAITALL), sizeof(theirs));
	}
	assert_true(is_let_go(fds[0], 20));
	assert_false(is_let_go(fds[599], 0));
	close_all(fds, 600);
	rpc_publisher_close(publisher);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ask_setup, ask_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bare_connects_do_no_harm),
		TEST(test_clients_that_leave_take_all_with_them),
		TEST(test_lost_connection_frees_its_contexts),
		TEST(test_silent_connections_make_room),
		TEST(test_busy_connections_stay),
		TEST(test_half_open_connections_make_room),
		TEST(test_deaf_clients_do_not_starve_others),
		TEST(test_connections_end_half_closed),
		TEST(test_subscribers_make_room),
	};

	/* Clients and server are one process here. */
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){4096, 4096});
	return cmocka_run_group_tests_name("rpc connections", tests, NULL, NULL);
}
