/* SPDX-License-Identifier: MIT */
/* The event loop's thread: accepting, deadlines, the orderly end. */
#include "rest/loop.h"

#include "rest/connection.h"
#include "rest/exchange.h"
#include "rest/flow.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>

/* Connections taken at one go: few, so that the other loops get their share of a burst. */
#define LOOP_ACCEPT_MAX 4

/* From so much freed memory on it is given back, and how long after the last time. */
#define LOOP_TRIM_BYTES (1 << 20)
#define LOOP_TRIM_NS (1000 * INT64_C(1000000))

/* When it is looked again at requests whose pause is not over. */
#define LOOP_PAUSE_MS 1

static bool loop_is_full(const struct rest_loop *loop)
{
	return loop->connection_count >= loop->max_connections;
}

static void loop_pause(struct rest_loop *loop)
{
	loop->paused = true;
	h2o_socket_read_stop(loop->listener);
	rest_loop_arm_tick(loop);
}

/* Whether there is a place for one more, or one can be made: those who let us wait keep out nobody
 * who does not. */
static bool loop_has_room(struct rest_loop *loop)
{
	return !loop_is_full(loop) || rest_peers_idlest(&loop->peers);
}

static void loop_admit(struct rest_loop *loop, h2o_socket_t *sock)
{
	struct rest_seat *idlest = loop_is_full(loop) ? rest_peers_idlest(&loop->peers) : NULL;

	if (idlest)
		rest_connection_evict(H2O_STRUCT_FROM_MEMBER(struct rest_connection, seat, idlest));
	rest_connection_open(loop, sock);
}

static void loop_on_accept(h2o_socket_t *listener, const char *err)
{
	struct rest_loop *loop = listener->data;

	if (err)
		return;
	for (int i = 0; i < LOOP_ACCEPT_MAX && loop_has_room(loop); i++) {
		h2o_socket_t *sock = h2o_evloop_socket_accept(listener);

		if (sock) {
			loop_admit(loop, sock);
			continue;
		}
		/* Out of descriptors, the listener stays readable: trying on would spin. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			loop_pause(loop);
		return;
	}
	if (!loop_has_room(loop))
		loop_pause(loop);
}

void rest_loop_resume(struct rest_loop *loop)
{
	if (!loop->paused || !loop->listener || !loop_has_room(loop))
		return;
	loop->paused = false;
	h2o_socket_read_start(loop->listener, loop_on_accept);
}

static void loop_shut_connections(struct rest_loop *loop, bool force)
{
	h2o_linklist_t *node;

	/* Shutting a socket down calls nothing back, so the list stays as it is. */
	for (node = loop->connections.next; node != &loop->connections; node = node->next)
		rest_connection_shut(
			H2O_STRUCT_FROM_MEMBER(struct rest_connection, link, node), force);
}

static void loop_force(struct rest_loop *loop)
{
	rest_exchange_expire(loop, true);
	/* Answers are given to the kernel at once as far as it takes them; the next tick cuts off
	 * whoever does not read. */
	if (loop->forced)
		loop_shut_connections(loop, true);
	loop->forced = true;
}

static bool loop_is_to_trim(const struct rest_loop *loop)
{
	return loop->freed >= LOOP_TRIM_BYTES;
}

static void loop_trim(struct rest_loop *loop)
{
	int64_t now = rpc_now_ns();

	if (!loop_is_to_trim(loop) || now - loop->trimmed_ns < LOOP_TRIM_NS)
		return;
	malloc_trim(0);
	loop->freed = 0;
	loop->trimmed_ns = now;
}

void rest_loop_freed(struct rest_loop *loop, size_t bytes)
{
	loop->freed += bytes;
	if (loop_is_to_trim(loop))
		rest_loop_arm_tick(loop);
}

static void loop_on_turn(h2o_timeout_entry_t *entry)
{
	struct rest_loop *loop = H2O_STRUCT_FROM_MEMBER(struct rest_loop, turn, entry);

	loop->turned = true;
	rest_flow_turn(loop);
}

static void loop_on_pause(h2o_timeout_entry_t *entry)
{
	struct rest_loop *loop = H2O_STRUCT_FROM_MEMBER(struct rest_loop, paused_turn, entry);

	rest_loop_arm_turn(loop);
}

void rest_loop_arm_turn(struct rest_loop *loop)
{
	/* Linked again within its own turn of the loop, it would be due within that. */
	if (loop->turned || h2o_timeout_is_linked(&loop->turn))
		return;
	if (rest_peers_have_turns(&loop->peers, true) || rpc_now_ns() >= loop->behind_ns)
		h2o_timeout_link(loop->http.loop, &loop->http.zero_timeout, &loop->turn);
	else if (!h2o_timeout_is_linked(&loop->paused_turn))
		h2o_timeout_link(loop->http.loop, &loop->pause, &loop->paused_turn);
}

static void loop_on_tick(h2o_timeout_entry_t *entry)
{
	struct rest_loop *loop = H2O_STRUCT_FROM_MEMBER(struct rest_loop, tick, entry);

	rest_loop_resume(loop);
	loop_trim(loop);
	if (loop->draining && rpc_now_ns() >= loop->drain_until_ns)
		loop_force(loop);
	else
		rest_exchange_expire(loop, false);
	if (loop->draining || loop->paused || loop_is_to_trim(loop) ||
		!h2o_linklist_is_empty(&loop->pending))
		rest_loop_arm_tick(loop);
}

void rest_loop_arm_tick(struct rest_loop *loop)
{
	if (!h2o_timeout_is_linked(&loop->tick))
		h2o_timeout_link(loop->http.loop, &loop->http.hundred_ms_timeout, &loop->tick);
}

static void loop_drain(struct rest_loop *loop)
{
	loop->draining = true;
	loop->drain_until_ns = rpc_now_ns() + (int64_t)loop->grace_ms * 1000000;
	h2o_socket_close(loop->listener);
	loop->listener = NULL;
	h2o_context_request_shutdown(&loop->http);
	loop_shut_connections(loop, false);
	rest_loop_arm_tick(loop);
}

static void loop_on_control(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
	struct rest_loop *loop = H2O_STRUCT_FROM_MEMBER(struct rest_loop, control, receiver);

	while (!h2o_linklist_is_empty(messages)) {
		h2o_linklist_t *node = messages->next;

		h2o_linklist_unlink(node);
		if (node == &loop->ping.link)
			sem_post(&loop->ready);
		else if (!loop->draining)
			loop_drain(loop);
	}
}

int rest_loop_prepare(struct rest_loop *loop, struct rest_server *server)
{
	unsigned total = server->config.max_connections;

	loop->server = server;
	loop->max_connections = (total + server->loop_count - 1) / server->loop_count;
	loop->listen_fd = fcntl(server->config.listen_fd, F_DUPFD_CLOEXEC, 0);
	if (loop->listen_fd < 0)
		return -errno;
	sem_init(&loop->ready, 0, 0);
	return 0;
}

/* On the thread itself: h2o keeps its buffers per thread, and a socket belongs to the thread that
 * made it. */
static void loop_init(struct rest_loop *loop)
{
	h2o_context_init(&loop->http, h2o_evloop_create(), &loop->server->http);
	h2o_linklist_init_anchor(&loop->connections);
	h2o_linklist_init_anchor(&loop->pending);
	rest_peers_init(&loop->peers);
	h2o_timeout_init(loop->http.loop, &loop->patience, REST_PATIENCE_MS);
	h2o_timeout_init(loop->http.loop, &loop->pause, LOOP_PAUSE_MS);
	loop->turn.cb = loop_on_turn;
	loop->paused_turn.cb = loop_on_pause;
	loop->tick.cb = loop_on_tick;
	loop->owners = (struct rpc_owner_query)RPC_OWNER_QUERY_INIT;
	if (loop->server->config.ask_owner)
		rpc_owner_query_prepare(&loop->owners);
	loop->accept_ctx.ctx = &loop->http;
	loop->accept_ctx.hosts = loop->server->http.hosts;
	h2o_multithread_register_receiver(loop->http.queue, &loop->control, loop_on_control);
	loop->mailbox = rest_mailbox_open(loop);
	if (!loop->mailbox)
		h2o_fatal("no memory");
	loop->listener = h2o_evloop_socket_create(
		loop->http.loop, loop->listen_fd, H2O_SOCKET_FLAG_DONT_READ);
	loop->listen_fd = -1;
	loop->listener->data = loop;
	h2o_socket_read_start(loop->listener, loop_on_accept);
}

static void loop_dispose(struct rest_loop *loop)
{
	h2o_loop_t *events = loop->http.loop;

	rest_mailbox_close(loop->mailbox, loop);
	h2o_timeout_unlink(&loop->tick);
	h2o_timeout_unlink(&loop->turn);
	h2o_timeout_unlink(&loop->paused_turn);
	h2o_timeout_dispose(events, &loop->pause);
	h2o_timeout_dispose(events, &loop->patience);
	h2o_multithread_unregister_receiver(loop->http.queue, &loop->control);
	rest_json_clear(&loop->spare);
	rpc_owner_query_close(&loop->owners);
	/* Closed sockets are freed by the next turn of the loop. */
	h2o_evloop_run(events, 0);
	h2o_context_dispose(&loop->http);
	h2o_evloop_run(events, 0);
	h2o_evloop_destroy(events);
}

void *rest_loop_main(void *data)
{
	struct rest_loop *loop = data;

	pthread_setname_np(pthread_self(), "rest");
	loop_init(loop);
	sem_post(&loop->ready);
	/* The run is cut short by signals and the like, which changes nothing. */
	while (!loop->draining || loop->connection_count > 0) {
		loop->turned = false;
		if (rest_peers_have_turns(&loop->peers, false))
			rest_loop_arm_turn(loop);
		h2o_evloop_run(loop->http.loop, INT32_MAX);
	}
	loop_dispose(loop);
	return NULL;
}
