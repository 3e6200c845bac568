/* SPDX-License-Identifier: MIT */
/* Good clients. */
#include "tests/floods/good.h"

#include "core/base/clock.h"
#include "core/base/util.h"
#include "rpc/nng/envelope.h"
#include "tests/rpc/nng/raw.h"
#include "vfio/v1/device_service.pb-c.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define DEVICE "0000:01:00.0"
#define JSON "{\"pci_address\":\"" DEVICE "\"}"
#define POST                                                                                       \
	"POST /api/v1/vfio/devices/info HTTP/1.1\r\nHost: localhost\r\n"                           \
	"Content-Type: application/json\r\nContent-Length: 30\r\n\r\n" JSON

_Static_assert(sizeof(JSON) - 1 == 30, "the Content-Length above");

enum {
	PATIENCE_S = 5,

	/* Good clients, who sleep most of the time, get a processor before the flood and either
	 * vfiod: an answer that is there is not read late. The flood has the weight of any process:
	 * one that is nicer reads too slowly to keep a server busy. */
	NICE = -10,
};

static const struct {
	const char *name;
	enum { REST, IPC, TCP } door;
	bool keeps;
	int64_t pace_ns;
} clients[] = {
	[GOOD_REST_KEPT] = {"rest-kept", REST, true, 5 * NS_PER_MS},
	[GOOD_REST_NEW] = {"rest-new", REST, false, 10 * NS_PER_MS},
	[GOOD_IPC_KEPT] = {"ipc-kept", IPC, true, 5 * NS_PER_MS},
	[GOOD_IPC_NEW] = {"ipc-new", IPC, false, 10 * NS_PER_MS},
	[GOOD_TCP_KEPT] = {"tcp-kept", TCP, true, 5 * NS_PER_MS},
	[GOOD_TCP_NEW] = {"tcp-new", TCP, false, 10 * NS_PER_MS},
};

struct asking {
	struct good *all;
	enum good_client who;
	pthread_t thread;
	bool started;
	char url[128];
	int fd;
	uint32_t id;
	struct good_requests requests;
};

struct good {
	struct asking clients[GOOD_CLIENTS];
	struct rpc_bytes request;
	atomic_bool must_end;
};

static void must(bool truth, const char *what)
{
	if (truth)
		return;
	perror(what);
	abort();
}

static void keep(struct good_requests *r, int64_t sent_ns, bool failed)
{
	if (r->count == r->room) {
		r->room = r->room ? 2 * r->room : 1024;
		r->items = reallocarray(r->items, r->room, sizeof(*r->items));
		must(r->items != NULL, "memory");
	}
	r->items[r->count++] = (struct good_request){sent_ns, now_ns() - sent_ns, failed};
}

static bool hear_rest(int fd, struct why *why)
{
	struct http_answer answer = {0};
	bool ok = http_read(fd, true, &answer, why);

	if (ok && (answer.status != 200 || !strstr(answer.body.data, DEVICE)))
		ok = why_not(why, "status %d: %.200s", answer.status, answer.body.data);
	http_answer_clear(&answer);
	return ok;
}

static bool hear_rpc(struct asking *a, bool ipc, struct why *why)
{
	CLEANUP(rpc_bytes_free) struct rpc_bytes reply = raw_receive(a->fd, ipc, a->id);
	Rpc__V1__Response *response = NULL;
	struct fault fault = {""};
	bool ok;

	if (!reply.data)
		return why_not(why, "the connection ended before a reply");
	if (rpc_envelope_decode_response(reply.data, reply.len, &response, &fault) != 0)
		return why_not(why, "no reply: %s", fault.text);
	ok = response->payload.len > 0 && (!response->status || response->status->code == 0);
	if (!ok)
		why_not(why, "status %u: %s", response->status ? response->status->code : 0,
			response->status ? response->status->message : "no payload");
	rpc__v1__response__free_unpacked(response, NULL);
	return ok;
}

static bool connect_client(struct asking *a, struct why *why)
{
	if (a->fd >= 0)
		return true;
	a->fd = clients[a->who].door == REST ? raw_try_connect(a->url, PATIENCE_S)
					     : raw_try_open(a->url, PATIENCE_S);
	return a->fd >= 0 || why_not(why, "cannot connect to %s", a->url);
}

/* The answer counts from its first byte: how it is read is not the server's. */
static bool ask(struct asking *a, struct why *why)
{
	bool rest = clients[a->who].door == REST, ipc = clients[a->who].door == IPC;
	struct pollfd answer = {.events = POLLIN};
	int64_t sent_ns = now_ns();
	bool ok = connect_client(a, why);

	answer.fd = a->fd;
	if (ok && rest)
		http_send(a->fd, POST, sizeof(POST) - 1);
	else if (ok)
		raw_send(a->fd, ipc, ++a->id, a->all->request.data, a->all->request.len);
	if (ok && poll(&answer, 1, PATIENCE_S * 1000) <= 0)
		ok = why_not(why, "no answer within %d seconds", PATIENCE_S);
	keep(&a->requests, sent_ns, !ok);
	if (ok)
		ok = rest ? hear_rest(a->fd, why) : hear_rpc(a, ipc, why);
	a->requests.items[a->requests.count - 1].failed = !ok;
	return ok;
}

static void hang_up(struct asking *a)
{
	fd_cleanup(&a->fd);
	a->fd = -1;
}

static void *ask_on(void *arg)
{
	struct asking *a = arg;
	const int64_t pace = clients[a->who].pace_ns;
	int64_t due = now_ns();

	/* Of this thread. Not everybody may. */
	setpriority(PRIO_PROCESS, 0, NICE);
	while (!a->all->must_end) {
		struct timespec at = clock_timespec(due);
		struct why why = {""};

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
		bool ok = ask(a, &why);
		if (!ok && !*a->requests.why.text)
			a->requests.why = why;
		if (!ok || !clients[a->who].keeps)
			hang_up(a);
		do
			due += pace;
		while (due < now_ns());
	}
	hang_up(a);
	return NULL;
}

static void set_url(struct asking *a, const struct daemon *server)
{
	const struct sockaddr_in *http = (const struct sockaddr_in *)&server->http;

	if (clients[a->who].door == REST)
		snprintf(a->url, sizeof(a->url), "tcp://127.0.0.1:%u", ntohs(http->sin_port));
	else
		snprintf(a->url, sizeof(a->url), "%s", server->rpc[clients[a->who].door == TCP]);
}

static struct rpc_bytes make_request(void)
{
	Vfio__V1__GetDeviceInfoRequest info = VFIO__V1__GET_DEVICE_INFO_REQUEST__INIT;

	info.pci_address = (char *)(uintptr_t)DEVICE;
	return raw_request("vfio.v1.DeviceService/GetDeviceInfo", &info.base, "", 0, NULL);
}

struct good *good_start(const struct daemon *server, unsigned wanted)
{
	struct good *good = calloc(1, sizeof(*good));

	must(good != NULL, "memory");
	good->request = make_request();
	for (enum good_client who = 0; who < GOOD_CLIENTS; who++) {
		struct asking *a = &good->clients[who];

		a->all = good;
		a->who = who;
		a->fd = -1;
		set_url(a, server);
		a->started = wanted & 1u << who;
		if (a->started)
			must(pthread_create(&a->thread, NULL, ask_on, a) == 0, "thread");
	}
	return good;
}

void good_stop(struct good *good)
{
	good->must_end = true;
	for (enum good_client who = 0; who < GOOD_CLIENTS; who++) {
		if (good->clients[who].started)
			pthread_join(good->clients[who].thread, NULL);
		good->clients[who].started = false;
	}
}

const struct good_requests *good_of(const struct good *good, enum good_client client)
{
	return &good->clients[client].requests;
}

void good_free(struct good *good)
{
	good_stop(good);
	for (enum good_client who = 0; who < GOOD_CLIENTS; who++)
		free(good->clients[who].requests.items);
	rpc_bytes_free(&good->request);
	free(good);
}

const char *good_name(enum good_client client)
{
	return clients[client].name;
}

int64_t good_pace_ns(enum good_client client)
{
	return clients[client].pace_ns;
}
