/* SPDX-License-Identifier: MIT */
/* Clients of the RPC door that mean no good. */
#include "tests/doors/abuse.h"
#include "tests/doors/census.h"

#include "core/base/util.h"
#include "tests/rpc/nng/raw.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include <cmocka.h>

#define HELLO "\0SP\0\0\x30\0\0"
#define HELLO_LEN 8

enum {
	TIMES = 1000,
	HALF = 200,	     /* connections that leave a message half sent */
	HALF_KB = 32768,     /* and what these may cost */
	HALF_BYTES = 500000, /* that they said would come, each */
	LEAVERS = 80,
	DEAF = 200,  /* requests of a client that does not read */
	LIMIT = 512, /* of connections over one transport */
	SPARE = 200, /* descriptors of vfiod besides these */
	CROWD = 1000,
	DEAF_CLIENTS = 64,
	DEAF_WAIT_MS = 2000,
};

/* What is sent after a connect, and what the server does then: hang up, whatever it has sent. */
static const struct {
	const char *name;
	const char *bytes;
	size_t len;
	bool after_hello; /* a handshake goes before, and the byte that starts a frame of ipc:// */
} refused[] = {
#define BYTES(text) text, sizeof(text) - 1
	{"another protocol's handshake", BYTES("\0SP\0\0\x20\0\0"), false},
	{"a handshake of version 1", BYTES("\0SP\1\0\x30\0\0"), false},
	{"a handshake with its reserve used", BYTES("\0SP\0\0\x30\0\1"), false},
	{"no handshake", BYTES("GET / HTTP/1.1\r\n\r\n"), false},
	{"all ones", BYTES("\xff\xff\xff\xff\xff\xff\xff\xff"), false},
	{"a message of 2^63 bytes", BYTES("\x80\0\0\0\0\0\0\0"), true},
	{"a message of 2^64 - 1 bytes", BYTES("\xff\xff\xff\xff\xff\xff\xff\xff"), true},
	{"a message of 4 GiB", BYTES("\0\0\0\1\0\0\0\0"), true},
	{"a message of one byte more than fits", BYTES("\0\0\0\0\0\x08\0\1"), true},
	{"a message without a request id", BYTES("\0\0\0\0\0\0\0\0"), true},
	{"a request id cut short", BYTES("\0\0\0\0\0\0\0\2\x80\1"), true},
	{"a request id without its bit", BYTES("\0\0\0\0\0\0\0\4\0\0\0\1"), true},
	{"many request ids without their bits", BYTES("\0\0\0\0\0\0\0\x0c\0\0\0\1\0\0\0\2\0\0\0\3"),
		true},
};

static int open_door(const struct ground *g, enum ground_door door)
{
	int fd = raw_try_open(g->daemon->rpc[door], 20);

	if (fd < 0)
		fail_msg("no handshake over %s", g->daemon->rpc[door]);
	return fd;
}

static void expect_reply(const struct ground *g, enum ground_door door, int fd)
{
	CLEANUP(rpc_bytes_free)
	struct rpc_bytes request = raw_request("rpc.v1.Health/Check", NULL, "", 0, NULL), reply;

	raw_send(fd, door == DOOR_IPC, 1, request.data, request.len);
	reply = raw_receive(fd, door == DOOR_IPC, 1);
	if (!reply.data)
		fail_msg("no reply over %s", g->daemon->rpc[door]);
	rpc_bytes_free(&reply);
}

static void expect_service(const struct ground *g, enum ground_door door)
{
	CLEANUP(fd_cleanup) int fd = open_door(g, door);

	expect_reply(g, door, fd);
}

/* Reads to the end; whether that came before reads time out. */
static bool is_hung_up(int fd)
{
	char drop[256];
	ssize_t n;

	do
		n = recv(fd, drop, sizeof(drop), 0);
	while (n > 0);
	return n == 0 || errno == ECONNRESET;
}

static void what_is_no_request(struct ground *g)
{
	static const uint8_t kind = 1;

	for (size_t i = 0; i < 2 * ARRAY_SIZE(refused); i++) {
		size_t row = i / 2;
		enum ground_door door = i % 2 ? DOOR_TCP : DOOR_IPC;
		bool whole = refused[row].after_hello;
		CLEANUP(fd_cleanup) int fd = whole ? open_door(g, door) : ground_connect(g, door);

		if (whole && door == DOOR_IPC)
			http_send(fd, &kind, 1);
		http_send(fd, refused[row].bytes, refused[row].len);
		if (!is_hung_up(fd))
			fail_msg("%s is not hung up on", refused[row].name);
		expect_service(g, door);
	}
}

static void connects_and_closes(struct ground *g)
{
	for (enum ground_door door = DOOR_IPC; door <= DOOR_TCP; door++) {
		for (int i = 0; i < TIMES; i++) {
			int fd = raw_try_connect(g->daemon->rpc[door], 20);

			assert_true(fd >= 0);
			close(fd);
		}
		expect_service(g, door);
	}
}

static void half_a_handshake_and_gone(struct ground *g)
{
	for (size_t i = 0; i < 4 * (HELLO_LEN + 1); i++) {
		enum ground_door door = i % 2 ? DOOR_TCP : DOOR_IPC;
		int fd = raw_try_connect(g->daemon->rpc[door], 20);

		assert_true(fd >= 0);
		http_send(fd, HELLO, i / 4);
		close(fd);
	}
	expect_service(g, DOOR_IPC);
	expect_service(g, DOOR_TCP);
}

/* What is announced costs nothing until it comes. */
static void half_a_message(struct ground *g)
{
	uint8_t head[13] = {1, 0, 0, 0, 0, 0, HALF_BYTES >> 16, HALF_BYTES >> 8 & 0xff,
		HALF_BYTES & 0xff, 0x80, 0, 0, 1};
	struct census before, during;
	int fds[HALF];

	census_take(g->daemon->pid, &before);
	for (size_t i = 0; i < HALF; i++) {
		enum ground_door door = i % 2 ? DOOR_TCP : DOOR_IPC;

		fds[i] = open_door(g, door);
		http_send(fds[i], head + (door == DOOR_TCP), sizeof(head) - (door == DOOR_TCP));
	}
	expect_service(g, DOOR_IPC);
	expect_service(g, DOOR_TCP);
	census_take(g->daemon->pid, &during);
	for (size_t i = 0; i < HALF; i++)
		close(fds[i]);
	if (census_memory_kb(&during) > census_memory_kb(&before) + HALF_KB)
		fail_msg("%d half messages cost %zu KiB", HALF,
			census_memory_kb(&during) - census_memory_kb(&before));
}

static void a_client_that_never_reads(struct ground *g)
{
	CLEANUP(rpc_bytes_free)
	struct rpc_bytes request =
		raw_request("rpc.v1.Reflection/GetFileDescriptorSet", NULL, "", 0, NULL);
	const struct timeval at_once = {.tv_usec = 1000};

	for (enum ground_door door = DOOR_IPC; door <= DOOR_TCP; door++) {
		CLEANUP(fd_cleanup) int fd = open_door(g, door);

		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &at_once, sizeof(at_once));
		for (uint32_t i = 0; i < DEAF; i++)
			raw_send(fd, door == DOOR_IPC, i, request.data, request.len);
		expect_service(g, DOOR_IPC);
		expect_service(g, DOOR_TCP);
	}
}

static void requests_without_waiting_for_replies(struct ground *g)
{
	CLEANUP(rpc_bytes_free)
	struct rpc_bytes request =
		raw_request("vfio.v1.DeviceService/ListDevices", NULL, "", 0, NULL);

	for (uint32_t i = 0; i < 2 * DEAF; i++) {
		enum ground_door door = i % 2 ? DOOR_TCP : DOOR_IPC;
		int fd = open_door(g, door);

		raw_send(fd, door == DOOR_IPC, i, request.data, request.len);
		close(fd);
	}
	expect_service(g, DOOR_IPC);
	expect_service(g, DOOR_TCP);
}

/* Many requests each, whose replies are more than the two kernels' buffers hold: the client is lost
 * while both a reply and the next request are under way. */
static void many_requests_and_gone(struct ground *g)
{
	CLEANUP(rpc_bytes_free)
	struct rpc_bytes request =
		raw_request("rpc.v1.Reflection/GetFileDescriptorSet", NULL, "", 0, NULL);
	const struct timeval at_once = {.tv_usec = 1000};

	for (unsigned i = 0; i < LEAVERS; i++) {
		enum ground_door door = i % 2 ? DOOR_TCP : DOOR_IPC;
		int fd = open_door(g, door);

		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &at_once, sizeof(at_once));
		for (uint32_t n = 0; n < 3u << i % 8; n++)
			raw_send(fd, door == DOOR_IPC, n, request.data, request.len);
		close(fd);
	}
	expect_service(g, DOOR_IPC);
	expect_service(g, DOOR_TCP);
}

/* Connects many times over one transport, and shakes hands or not; both doors then serve. */
static void crowd(struct ground *g, enum ground_door door, bool greet)
{
	CLEANUP(fd_cleanup) int used = open_door(g, door);
	struct census during;
	int fds[CROWD];

	expect_reply(g, door, used);
	for (size_t i = 0; i < CROWD; i++)
		fds[i] = greet ? raw_try_open(g->daemon->rpc[door], 20)
			       : raw_try_connect(g->daemon->rpc[door], 20);
	for (int i = 0; i < 10; i++) {
		expect_service(g, DOOR_IPC);
		expect_service(g, DOOR_TCP);
	}
	expect_reply(g, door, used);
	census_take(g->daemon->pid, &during);
	for (size_t i = 0; i < CROWD; i++)
		fd_cleanup(&fds[i]);
	if (during.processes[0].fds > LIMIT + SPARE)
		fail_msg("%d connections cost %u descriptors", CROWD, during.processes[0].fds);
}

static void silent_connections(struct ground *g)
{
	crowd(g, DOOR_IPC, true);
	crowd(g, DOOR_TCP, true);
}

static void half_open_connections(struct ground *g)
{
	crowd(g, DOOR_IPC, false);
	crowd(g, DOOR_TCP, false);
}

static long elapsed_ms(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
}

/* Many that never read, each with more requests than its connection has room for replies; they are
 * let go within seconds, and meanwhile others do not wait for it. */
static void many_that_never_read(struct ground *g)
{
	CLEANUP(rpc_bytes_free)
	struct rpc_bytes request =
		raw_request("rpc.v1.Reflection/GetFileDescriptorSet", NULL, "", 0, NULL);
	const struct timeval at_once = {.tv_usec = 1000};
	struct census before;
	struct why why = {""};
	struct timespec start;
	int fds[DEAF_CLIENTS];
	bool gone;

	census_take(g->daemon->pid, &before);
	for (size_t i = 0; i < DEAF_CLIENTS; i++) {
		enum ground_door door = i % 2 ? DOOR_TCP : DOOR_IPC;

		fds[i] = open_door(g, door);
		setsockopt(fds[i], SOL_SOCKET, SO_SNDTIMEO, &at_once, sizeof(at_once));
		for (uint32_t n = 0; n < DEAF / 5; n++)
			raw_send(fds[i], door == DOOR_IPC, n, request.data, request.len);
	}
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (int i = 0; i < 20; i++) {
		expect_service(g, DOOR_IPC);
		expect_service(g, DOOR_TCP);
	}
	if (elapsed_ms(&start) > DEAF_WAIT_MS)
		fail_msg(
			"40 calls took %ld ms beside clients that do not read", elapsed_ms(&start));
	gone = census_await(g->daemon->pid, &before, 20, &why);
	for (size_t i = 0; i < DEAF_CLIENTS; i++)
		fd_cleanup(&fds[i]);
	if (!gone)
		fail_msg("clients that do not read are kept: %s", why.text);
}

/* Faster than nng closes what it has accepted: others keep their descriptors. */
static void connects_without_end(struct ground *g)
{
	struct census before, during;

	census_take(g->daemon->pid, &before);
	for (int i = 0; i < 20 * TIMES; i++) {
		int fd = raw_try_connect(g->daemon->rpc[DOOR_IPC], 20);

		assert_true(fd >= 0);
		if (i % 2)
			http_send(fd, HELLO, HELLO_LEN);
		close(fd);
		if (i % TIMES)
			continue;
		census_take(g->daemon->pid, &during);
		if (during.processes[0].fds > before.processes[0].fds + LIMIT + SPARE)
			fail_msg("connects cost %u descriptors", during.processes[0].fds);
	}
	expect_service(g, DOOR_IPC);
}

const struct abuse abuse_rpc[] = {
	{"RPC: a thousand bare connects and closes", connects_and_closes},
	{"RPC: half a handshake, and gone", half_a_handshake_and_gone},
	{"RPC: what is no request is hung up on", what_is_no_request},
	{"RPC: half a message", half_a_message},
	{"RPC: a client that never reads", a_client_that_never_reads},
	{"RPC: requests without waiting for replies", requests_without_waiting_for_replies},
	{"RPC: many requests, and gone", many_requests_and_gone},
	{"RPC: a thousand silent connections", silent_connections},
	{"RPC: a thousand half-open connections", half_open_connections},
	{"RPC: many clients that never read", many_that_never_read},
	{"RPC: connects without end", connects_without_end},
	{NULL, NULL},
};
