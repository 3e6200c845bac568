/* SPDX-License-Identifier: MIT */
/*
 * Connections that end with replies half sent, in every way there is: by a frame that is none, by a
 * half close, a reset, a close, and in every order of these. nng by itself can hang for good then
 * (rpc/nng/mend.c): its only thread for closing waits, and keeps each descriptor from then on.
 */
#include "tests/rpc/test.h"

#include "core/base/clock.h"
#include "tests/rpc/nng/ask.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef ENDINGS /* fewer where each takes longer */
#define ENDINGS 3000
#endif

enum {
	WAYS = 2 * 3 * 2 * 16 * 4 * 16 * 3 * 2,
	GREETED_S = 20,
	CLOSED_MS = 2000, /* the server gives nng so long, and leaves it behind then */
};

static void say(int fd, const void *bytes, size_t len)
{
	(void)!send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* What nng ends a connection for. */
static void say_garbage(int fd, bool ipc, unsigned which)
{
	static const uint8_t endless[] = {1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	static const uint8_t without_id[] = {1, 0, 0, 0, 0, 0, 0, 0, 2, 'a', 'b'};
	static const uint8_t without_end[] = {1, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 1};

	switch (which % 4) {
	case 0:
		say(fd, endless + !ipc, sizeof(endless) - !ipc);
		break;
	case 1:
		say(fd, without_id + !ipc, sizeof(without_id) - !ipc);
		break;
	case 2:
		say(fd, without_end + !ipc, sizeof(without_end) - !ipc);
		break;
	default: /* of another type over a Unix socket, half a frame over a network */
		say(fd, "\x02\x00\x00\x00\x00\x00\x00\x00", 1 + which % 8);
	}
}

static void take_some(int fd, unsigned times)
{
	static char some[65536];

	for (unsigned i = 0; i < times; i++)
		if (recv(fd, some, sizeof(some), 0) <= 0)
			return;
}

/* The n-th of the steps before the end. */
static void step(int fd, bool ipc, unsigned n)
{
	switch (n % 4) {
	case 0:
		say_garbage(fd, ipc, n / 4);
		break;
	case 1:
		shutdown(fd, SHUT_WR);
		break;
	case 2:
		shutdown(fd, SHUT_RD);
		break;
	default:
		break;
	}
}

/* A reset over a network; over a Unix socket what is unread makes one of each close. */
static void end(int fd, bool reset)
{
	const struct linger at_once = {.l_onoff = 1};

	if (reset)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(fd);
}

/* Takes a remainder off a number. */
static unsigned take(unsigned *number, unsigned base)
{
	unsigned rest = *number % base;

	*number /= base;
	return rest;
}

/* Each number below WAYS is another way. */
static void end_in_one_way(
	const struct host *host, const struct rpc_bytes *request, unsigned number)
{
	bool ipc = take(&number, 2) == 0;
	int fd = raw_try_open(ipc ? host->ipc : host->tcp, GREETED_S);
	unsigned requests = 1 + take(&number, 3);

	assert_true(fd >= 0);
	for (uint32_t i = 0; i < requests; i++)
		raw_send(fd, ipc, i, request->data, request->len);
	take_some(fd, take(&number, 2));
	step(fd, ipc, take(&number, 16));
	take_some(fd, take(&number, 4));
	step(fd, ipc, take(&number, 16));
	take_some(fd, take(&number, 3));
	end(fd, take(&number, 2));
}

static void test_connections_end_in_every_way(void **state)
{
	struct host *host = host_start(NULL);
	struct rpc_bytes large = ask_info("large", "", 0);
	unsigned before = ask_fds();
	int64_t start_ns;

	(void)state;
	for (unsigned i = 0; i < ENDINGS; i++)
		end_in_one_way(host, &large, i * 7919 % WAYS);
	ask_expect_fds(before);
	ask_expect(host->ipc, ask_info("x", "", 0), RPC_OK);
	ask_expect(host->tcp, ask_info("x", "", 0), RPC_OK);
	rpc_bytes_free(&large);
	start_ns = now_ns();
	host_stop(host);
	assert_true(now_ns() - start_ns < CLOSED_MS * NS_PER_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connections_end_in_every_way),
	};

	/* Clients and server are one process here. */
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){4096, 4096});
	return cmocka_run_group_tests_name("rpc endings", tests, NULL, NULL);
}
