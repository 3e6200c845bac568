/* SPDX-License-Identifier: MIT */
/* Clients that take their time. All wait at once, for the limits are ten seconds each. */
#include "tests/doors/abuse.h"

#include "core/base/clock.h"
#include "core/base/util.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define POST "POST /api/v1/vfio/devices/info HTTP/1.1\r\n" HTTP_HOST HTTP_JSON
#define OPENAPI "GET /openapi HTTP/1.1\r\n" HTTP_HOST "\r\n"

enum {
	SOON_MS = 8000,	 /* nobody is hung up on before, */
	LATE_MS = 17000, /* all are by then */
	DRIP_MS = 100,
};

enum manner { SILENT, DRIPPING, DEAF };

/* A client begins so and then is silent, or goes on with a byte now and then, or asks for answers
 * and takes none. It is hung up on, and gets no answer before; where half a request is there, it is
 * told why. */
static const struct {
	const char *name;
	enum ground_door door;
	enum manner manner;
	const char *bytes;
	size_t len;
} slow[] = {
#define BYTES(text) text, sizeof(text) - 1
	{"nothing at all", DOOR_HTTP, SILENT, BYTES("")},
	{"half a request line", DOOR_HTTP, SILENT, BYTES("GET /heal")},
	{"half a head", DOOR_HTTP, SILENT, BYTES("GET /healthz HTTP/1.1\r\n" HTTP_HOST)},
	{"half a body", DOOR_HTTP, SILENT, BYTES(POST "Content-Length: 99\r\n\r\n{\"pci")},
	{"half a chunk", DOOR_HTTP, SILENT,
		BYTES(POST "Transfer-Encoding: chunked\r\n\r\nff\r\n{\"pci")},
	{"half the size of a chunk", DOOR_HTTP, SILENT,
		BYTES(POST "Transfer-Encoding: chunked\r\n\r\nf")},
	{"a head that comes byte by byte", DOOR_HTTP, DRIPPING,
		BYTES("GET /healthz HTTP/1.1\r\n" HTTP_HOST "X: ")},
	{"a body that comes byte by byte", DOOR_HTTP, DRIPPING,
		BYTES(POST "Content-Length: 9999\r\n\r\n{\"pci")},
	{"answers nobody takes", DOOR_HTTP, DEAF, BYTES(OPENAPI)},
	{"no handshake over ipc", DOOR_IPC, SILENT, BYTES("")},
	{"half a handshake over ipc", DOOR_IPC, SILENT, BYTES("\0SP\0")},
	{"a handshake that comes byte by byte over ipc", DOOR_IPC, SILENT, BYTES("\0SP")},
	{"no handshake over tcp", DOOR_TCP, SILENT, BYTES("")},
	{"half a handshake over tcp", DOOR_TCP, SILENT, BYTES("\0SP\0")},
};

struct client {
	int fd;
	int64_t since_ns; /* when it said its last word */
	bool ended, told;
};

/* Asks for as many answers as the two kernels' buffers do not hold. */
static void ask_and_ask(int fd)
{
	struct bytes requests = {0};
	ssize_t n;

	for (int i = 0; i < 400; i++)
		bytes_add(&requests, OPENAPI, sizeof(OPENAPI) - 1);
	do {
		n = send(fd, requests.data, requests.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n > 0 && poll(NULL, 0, 20) == 0);
	bytes_clear(&requests);
}

/* Whether that is the answer to half a request. */
static bool is_told(size_t i, const char *said, size_t n)
{
	static const char timeout[] = "HTTP/1.1 408 Request Timeout\r\n";

	return slow[i].door == DOOR_HTTP && slow[i].len > 0 && n > sizeof(timeout) &&
	       memcmp(said, timeout, sizeof(timeout) - 1) == 0;
}

/* Whether the server has hung up; anything it says goes before that. */
static bool has_ended(size_t i, struct client *client)
{
	struct pollfd state = {.fd = client->fd, .events = POLLIN};
	char said[1024];
	ssize_t n;

	/* What a deaf client has not taken is in the way of the end; the reset is not. */
	if (slow[i].manner == DEAF)
		return poll(&state, 1, 0) > 0 && (state.revents & (POLLHUP | POLLERR));
	if (slow[i].manner == DRIPPING)
		send(client->fd, "a", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	n = recv(client->fd, said, sizeof(said), MSG_DONTWAIT);
	if (n > 0 && is_told(i, said, (size_t)n)) {
		client->told = true;
		n = -1;
		errno = EAGAIN;
	}
	/* nng's half of the handshake comes first of all. */
	if (n > 0 && (slow[i].door == DOOR_HTTP || n != 8))
		fail_msg("%s is answered: %.*s", slow[i].name, (int)n, said);
	return n == 0 || (n < 0 && errno != EAGAIN);
}

static void start(const struct ground *g, size_t i, struct client *client)
{
	*client = (struct client){.fd = ground_connect(g, slow[i].door)};
	http_send(client->fd, slow[i].bytes, slow[i].len);
	if (slow[i].manner == DEAF)
		ask_and_ask(client->fd);
	client->since_ns = now_ns();
}

static size_t look_after(struct client *clients)
{
	size_t ended = 0;

	for (size_t i = 0; i < ARRAY_SIZE(slow); i++) {
		int64_t elapsed_ms = (now_ns() - clients[i].since_ns) / NS_PER_MS;
		bool before = clients[i].ended;

		clients[i].ended = before || has_ended(i, &clients[i]);
		ended += clients[i].ended;
		if (clients[i].ended && slow[i].door == DOOR_HTTP && slow[i].len > 0 &&
			slow[i].manner != DEAF && !clients[i].told)
			fail_msg("%s: hung up on without an answer", slow[i].name);
		if (clients[i].ended != before && elapsed_ms < SOON_MS)
			fail_msg("%s: hung up on after %d ms", slow[i].name, (int)elapsed_ms);
		if (!clients[i].ended && elapsed_ms > LATE_MS)
			fail_msg("%s: not hung up on after %d ms", slow[i].name, (int)elapsed_ms);
	}
	return ended;
}

static void all_at_once(struct ground *g)
{
	struct client clients[ARRAY_SIZE(slow)];

	for (size_t i = 0; i < ARRAY_SIZE(slow); i++)
		start(g, i, &clients[i]);
	while (look_after(clients) < ARRAY_SIZE(slow))
		poll(NULL, 0, DRIP_MS);
	for (size_t i = 0; i < ARRAY_SIZE(slow); i++)
		close(clients[i].fd);
}

const struct abuse abuse_slow[] = {
	{"both: clients that take their time", all_at_once},
	{NULL, NULL},
};
