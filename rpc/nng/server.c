/* SPDX-License-Identifier: MIT */
/*
 * The server: services behind an nng rep0 socket.
 *
 * Each slot is one nng context that goes round: receive, serve, send. A slot's aio has at most one
 * operation at a time, and the next receive starts in the callback of the send, never before it
 * (nng 1.5 crashes otherwise). While a slot serves, it belongs to its ticket; the reply, from
 * whatever thread, starts the send. A clock thread answers what is past its deadline.
 */
#include "rpc/nng/server.h"

#include "core/base/clock.h"
#include "core/base/thread.h"
#include "rpc/nng/connections.h"
#include "rpc/nng/dispatch.h"
#include "rpc/nng/listen.h"
#include "rpc/nng/mend.h"
#include "rpc/nng/peer.h"
#include "rpc/nng/socket.h"

#include <errno.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/supplemental/util/platform.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CONNECTIONS_DEFAULT = 512,

	CONTEXTS_DEFAULT = 64,
	CONTEXTS_MIN = 16,
	CONTEXTS_MAX = 4096,
	CONTEXTS_SPARE = 4, /* never wait, so that even a full queue is answered at once */

	/* The transport's limit is above that of requests, or an oversize one would not be
	 * answered: nng closes the connection instead. */
	RECEIVE_MAX = 2 * RPC_REQUEST_MAX,

	/* What waits to be sent keeps no context from others: there are so many more, and of the
	 * connections whose replies wait the one that waits for longest is let go when even these
	 * are used up. */
	CONTEXTS_WAITING = 448,
	SEND_TIMEOUT_MS = 60000, /* never, or something is wrong with the connection */

	DRAIN_MS = 1000, /* for replies that wait for their connection at the end */
	LINGER_MS = 50,	 /* nng's close drops what it has taken but not written yet */
	REQUEST = 0x30,	 /* SP's number of who sends requests */
};

enum slot_state { SLOT_RECEIVE, SLOT_SERVE, SLOT_SEND };

struct slot {
	struct rpc_ticket ticket;
	struct rpc_server *server;
	enum slot_state state;
	nng_ctx ctx;
	nng_aio *aio;
	nng_pipe pipe;	  /* of the request in hand */
	pthread_t thread; /* which has taken it, then: */
	int64_t began_ns;
};

struct rpc_server {
	nng_socket socket;
	bool open;  /* the socket is */
	bool stuck; /* nng is, in closing it */
	struct rpc_connections *connections;
	struct rpc_listeners *listeners;
	struct rpc_dispatch *dispatch;
	struct rpc_peer_rules rules;
	struct slot *slots;
	unsigned slot_count;
	unsigned contexts; /* of these, what requests in hand are bounded by */
	atomic_uint receiving;
	atomic_uint sending;
	char *api_key;

	pthread_mutex_t clock_lock;
	pthread_cond_t clock_cond;
	pthread_t clock;
	bool clock_runs;
	bool clock_stop;
	bool clock_poked;
};

/* Rights and name of a connection's holder, found out at its first request. */
static struct rpc_caller server_find_caller(struct rpc_server *server, nng_pipe pipe)
{
	struct rpc_caller caller;

	if (rpc_connections_begin(server->connections, pipe, &caller))
		return caller;
	rpc_peer_of_pipe(pipe, &server->rules, &caller);
	rpc_connections_know(server->connections, pipe, &caller);
	return caller;
}

static void slot_receive(struct slot *slot)
{
	slot->state = SLOT_RECEIVE;
	atomic_fetch_add(&slot->server->receiving, 1);
	nng_aio_set_timeout(slot->aio, NNG_DURATION_INFINITE);
	nng_ctx_recv(slot->ctx, slot->aio);
}

static void slot_received(struct slot *slot)
{
	struct rpc_server *server = slot->server;
	nng_msg *msg;
	struct rpc_caller caller;
	int r = nng_aio_result(slot->aio);
	unsigned left = atomic_fetch_sub(&server->receiving, 1) - 1;

	if (r == NNG_ECLOSED || r == NNG_ECANCELED)
		return;
	if (left < CONTEXTS_SPARE)
		rpc_connections_make_way(server->connections);
	if (r != 0) {
		slot_receive(slot);
		return;
	}
	msg = nng_aio_get_msg(slot->aio);
	nng_aio_set_msg(slot->aio, NULL);
	slot->pipe = nng_msg_get_pipe(msg);
	slot->state = SLOT_SERVE;
	slot->thread = pthread_self();
	slot->began_ns = now_ns();
	caller = server_find_caller(server, slot->pipe);
	rpc_dispatch_take(
		server->dispatch, &slot->ticket, &caller, nng_msg_body(msg), nng_msg_len(msg));
	/* The slot may be at its next request by now. */
	nng_msg_free(msg);
}

static void slot_sent(struct slot *slot)
{
	int r = nng_aio_result(slot->aio);
	nng_msg *unsent = nng_aio_get_msg(slot->aio);

	atomic_fetch_sub(&slot->server->sending, 1);
	if (r != 0 && unsent) {
		nng_aio_set_msg(slot->aio, NULL);
		nng_msg_free(unsent);
	}
	if (r == NNG_ECLOSED || r == NNG_ECANCELED)
		return;
	if (r == NNG_ETIMEDOUT)
		rpc_connections_drop(slot->server->connections, slot->pipe);
	rpc_connections_end(slot->server->connections, slot->pipe);
	slot_receive(slot);
}

static void slot_on_aio(void *arg)
{
	struct slot *slot = arg;

	if (slot->state == SLOT_SEND)
		slot_sent(slot);
	else
		slot_received(slot);
}

/* Nobody gets the reply. */
static void slot_drop(struct slot *slot, nng_msg *reply)
{
	if (reply)
		nng_msg_free(reply);
	rpc_connections_end(slot->server->connections, slot->pipe);
	slot_receive(slot);
}

/* How long one of nng's threads was busy with the request; 0: it has long left it to another. */
static int64_t slot_busy_ns(const struct slot *slot)
{
	return pthread_equal(slot->thread, pthread_self()) ? now_ns() - slot->began_ns : 0;
}

/* The dispatch has the reply of a slot's request. */
static void server_on_reply(void *arg, struct rpc_ticket *ticket, const uint8_t *bytes, size_t len)
{
	struct rpc_server *server = arg;
	struct slot *slot = (struct slot *)((char *)ticket - offsetof(struct slot, ticket));
	nng_pipe pipe = slot->pipe; /* the slot may be at its next request soon */
	nng_msg *msg = NULL;

	if (nng_msg_alloc(&msg, 0) != 0 || nng_msg_append(msg, bytes, len) != 0) {
		/* Without memory for a reply, a lost connection tells the client as much. */
		rpc_connections_drop(server->connections, pipe);
		slot_drop(slot, msg);
		return;
	}
	if (!rpc_connections_hand(server->connections, pipe, slot_busy_ns(slot))) {
		slot_drop(slot, msg);
		return;
	}
	slot->state = SLOT_SEND;
	atomic_fetch_add(&server->sending, 1);
	nng_aio_set_msg(slot->aio, msg);
	nng_aio_set_timeout(slot->aio, SEND_TIMEOUT_MS);
	nng_ctx_send(slot->ctx, slot->aio);
	rpc_connections_handed(server->connections, pipe);
}

static void server_on_wake(void *arg)
{
	struct rpc_server *server = arg;

	pthread_mutex_lock(&server->clock_lock);
	server->clock_poked = true;
	pthread_cond_signal(&server->clock_cond);
	pthread_mutex_unlock(&server->clock_lock);
}

/* Sleeps until then, or until woken. False: the thread is to end. */
static bool clock_sleep(struct rpc_server *server, int64_t until_ns)
{
	bool in_time = true;

	pthread_mutex_lock(&server->clock_lock);
	while (!server->clock_poked && !server->clock_stop && in_time)
		in_time = thread_wait(&server->clock_cond, &server->clock_lock, until_ns);
	server->clock_poked = false;
	bool go_on = !server->clock_stop;
	pthread_mutex_unlock(&server->clock_lock);
	return go_on;
}

static void *clock_main(void *arg)
{
	struct rpc_server *server = arg;
	int64_t calls_ns, replies_ns;

	do {
		calls_ns = rpc_dispatch_expire(server->dispatch);
		replies_ns = rpc_connections_expire(
			server->connections, atomic_load(&server->receiving) == 0);
	} while (clock_sleep(server, calls_ns < replies_ns ? calls_ns : replies_ns));
	return NULL;
}

static int server_start_clock(struct rpc_server *server, struct fault *fault)
{
	int r = thread_start(&server->clock, clock_main, server);

	if (r < 0)
		return fault_set(fault, r, "cannot start a thread: %s", strerror(-r));
	server->clock_runs = true;
	pthread_setname_np(server->clock, "rpc-clock");
	return 0;
}

static void server_stop_clock(struct rpc_server *server)
{
	if (!server->clock_runs)
		return;
	pthread_mutex_lock(&server->clock_lock);
	server->clock_stop = true;
	pthread_cond_signal(&server->clock_cond);
	pthread_mutex_unlock(&server->clock_lock);
	pthread_join(server->clock, NULL);
	server->clock_runs = false;
}

static int server_open_socket(
	struct rpc_server *server, const struct rpc_server_config *config, struct fault *fault)
{
	const struct rpc_connections_config connections = {
		.places = config->connections ? config->connections : CONNECTIONS_DEFAULT,
		.peer_protocol = REQUEST,
		.receive_max = RECEIVE_MAX,
		.ask_owner = config->ask_owner,
		.blocked = server_on_wake,
		.arg = server,
	};
	int r;

	rpc_mend();
	r = nng_rep0_open(&server->socket);
	if (r != 0)
		return fault_set(fault, -ENOMEM, "cannot open an nng socket: %s", nng_strerror(r));
	server->open = true;
	nng_socket_set_size(server->socket, NNG_OPT_RECVMAXSZ, RECEIVE_MAX);
	server->connections = rpc_connections_new(server->socket, &connections);
	if (!server->connections)
		return fault_set(fault, -ENOMEM, "out of memory");
	return 0;
}

static int server_open_slots(struct rpc_server *server, struct fault *fault)
{
	for (unsigned i = 0; i < server->slot_count; i++) {
		struct slot *slot = &server->slots[i];
		int r;

		slot->server = server;
		r = nng_aio_alloc(&slot->aio, slot_on_aio, slot);
		if (r == 0)
			r = nng_ctx_open(&slot->ctx, server->socket);
		if (r != 0)
			return fault_set(
				fault, -ENOMEM, "cannot open an nng context: %s", nng_strerror(r));
	}
	return 0;
}

static int server_open_dispatch(
	struct rpc_server *server, const struct rpc_server_config *config, struct fault *fault)
{
	const struct rpc_dispatch_config dispatch = {
		.services = config->services,
		.api_key = server->api_key,
		.observer = config->observer,
		.max_changes = server->contexts / 2,
		.max_reads = server->contexts / 2 - CONTEXTS_SPARE,
		.reply = server_on_reply,
		.wake = server_on_wake,
		.arg = server,
	};

	server->dispatch = rpc_dispatch_new(&dispatch);
	if (!server->dispatch)
		return fault_set(fault, -ENOMEM, "out of memory");
	return 0;
}

static int server_open_listeners(
	struct rpc_server *server, const struct rpc_server_config *config, struct fault *fault)
{
	const struct rpc_listen_config listen = {
		.socket = server->socket,
		.connections = server->connections,
		.urls = config->urls,
		.ipc_mode = config->ipc_mode,
		.ipc_gid = config->ipc_gid,
		.api_key = config->api_key,
		.tls = config->tls,
	};

	return rpc_listeners_open(&listen, &server->listeners, fault);
}

static unsigned contexts_of(const struct rpc_server_config *config)
{
	if (config->contexts == 0)
		return CONTEXTS_DEFAULT;
	if (config->contexts < CONTEXTS_MIN)
		return CONTEXTS_MIN;
	return config->contexts > CONTEXTS_MAX ? CONTEXTS_MAX : config->contexts;
}

static struct rpc_server *server_new(const struct rpc_server_config *config)
{
	struct rpc_server *server = calloc(1, sizeof(*server));

	if (!server)
		return NULL;
	pthread_mutex_init(&server->clock_lock, NULL);
	thread_cond_init(&server->clock_cond);
	server->rules = (struct rpc_peer_rules){
		.rights = config->rights,
		.key_required = config->api_key != NULL,
		.tls_certified = config->tls.authority != NULL,
	};
	server->contexts = contexts_of(config);
	server->slot_count = server->contexts + CONTEXTS_WAITING;
	server->slots = calloc(server->slot_count, sizeof(*server->slots));
	server->api_key = config->api_key ? strdup(config->api_key) : NULL;
	if (!server->slots || (config->api_key && !server->api_key)) {
		rpc_server_free(server);
		return NULL;
	}
	return server;
}

int rpc_server_start(
	const struct rpc_server_config *config, struct rpc_server **ret_server, struct fault *fault)
{
	struct rpc_server *server = server_new(config);
	int r;

	if (!server)
		return fault_set(fault, -ENOMEM, "out of memory");
	r = server_open_socket(server, config, fault);
	if (r == 0)
		r = server_open_dispatch(server, config, fault);
	if (r == 0)
		r = server_open_slots(server, fault);
	if (r == 0)
		r = server_open_listeners(server, config, fault);
	if (r == 0)
		r = server_start_clock(server, fault);
	if (r < 0) {
		rpc_server_free(server);
		return r;
	}
	for (unsigned i = 0; i < server->slot_count; i++)
		slot_receive(&server->slots[i]);
	*ret_server = server;
	return 0;
}

const char *rpc_server_url(const struct rpc_server *server, size_t n)
{
	return rpc_listeners_url(server->listeners, n);
}

static void ping_is_back(void *server)
{
	(void)server;
}

/* By way of the thread that ends what waits, and of one of those that serve. */
void rpc_server_ping(struct rpc_server *server)
{
	nng_aio *aio;

	if (nng_aio_alloc(&aio, ping_is_back, server) != 0)
		return;
	nng_sleep_aio(1, aio);
	nng_aio_wait(aio);
	nng_aio_free(aio);
}

/* Waits until nng has taken every reply, and a little longer: it has no linger of its own. */
static void server_drain(struct rpc_server *server)
{
	int64_t until_ns = now_ns() + DRAIN_MS * NS_PER_MS;

	do
		nng_msleep(LINGER_MS);
	while (atomic_load(&server->sending) > 0 && now_ns() < until_ns);
}

static void server_close_socket(struct rpc_server *server)
{
	if (!server->open)
		return;
	server->open = false;
	server->stuck = !rpc_socket_close(server->socket);
	if (server->stuck)
		return;
	for (unsigned i = 0; server->slots && i < server->slot_count; i++)
		nng_aio_stop(server->slots[i].aio);
}

void rpc_server_stop(struct rpc_server *server, unsigned grace_ms)
{
	if (!server->clock_runs)
		return;
	rpc_dispatch_close(server->dispatch, now_ns() + grace_ms * NS_PER_MS);
	server_drain(server);
	server_stop_clock(server);
	rpc_listeners_close(server->listeners);
	server->listeners = NULL;
	server_close_socket(server);
}

void rpc_server_free(struct rpc_server *server)
{
	if (!server)
		return;
	rpc_server_stop(server, 0);
	rpc_listeners_close(server->listeners);
	server_close_socket(server);
	if (server->stuck)
		return; /* nng holds on to it */
	for (unsigned i = 0; server->slots && i < server->slot_count; i++)
		nng_aio_free(server->slots[i].aio);
	rpc_dispatch_free(server->dispatch);
	rpc_connections_free(server->connections);
	pthread_cond_destroy(&server->clock_cond);
	pthread_mutex_destroy(&server->clock_lock);
	free(server->slots);
	free(server->api_key);
	free(server);
}
