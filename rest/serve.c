/* SPDX-License-Identifier: MIT */
/* The event loop's thread: accepting, deadlines, the orderly end. */
#include "rest/serve.h"

#include "core/base/clock.h"
#include "rest/connection.h"
#include "rest/exchange.h"
#include "rest/flow.h"

#include <errno.h>
#include <fcntl.h>

/* Connections taken at one go: few, so that the other loops get their share of a burst. */
#define SERVE_ACCEPT_MAX 4

/* When it is looked again at requests whose pause is not over. */
#define SERVE_PAUSE_MS 1

static void serve_pause(struct rest_loop *loop)
{
	loop->paused = true;
	h2o_socket_read_stop(loop->listener);
	rest_loop_arm_tick(loop);
}

static void serve_admit(struct rest_loop *loop, h2o_socket_t *sock)
{
	struct rest_seat *idlest = rest_loop_is_full(loop) ? rest_peers_idlest(&loop->peers) : NULL;

	if (idlest)
		rest_connection_evict(H2O_STRUCT_FROM_MEMBER(struct rest_connection, seat, idlest));
	rest_flow_open(loop, sock);
}

static void serve_on_accept(h2o_socket_t *listener, const char *err)
{
	struct rest_loop *loop = listener->data;

	if (err)
		return;
	for (int i = 0; i < SERVE_ACCEPT_MAX && rest_loop_has_room(loop); i++) {
		h2o_socket_t *sock = h2o_evloop_socket_accept(listener);

		if (sock) {
			serve_admit(loop, sock);
			continue;
		}
		/* Out of descriptors, the listener stays readable: trying on would spin. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			serve_pause(loop);
		return;
	}
	if (!rest_loop_has_room(loop))
		serve_pause(loop);
}

static void serve_shut_connections(struct rest_loop *loop, bool force)
{
	h2o_linklist_t *node;

	/* Shutting a socket down calls nothing back, so the list stays as it is. */
	for (node = loop->connections.next; node != &loop->connections; node = node->next)
		rest_connection_shut(
			H2O_STRUCT_FROM_MEMBER(struct rest_connection, link, node), force);
}

static void serve_force(struct rest_loop *loop)
{
	rest_exchange_expire(loop, true);
	/* Answers are given to the kernel at once as far as it takes them; the next tick cuts off
	 * whoever does not read. */
	if (loop->forced)
		serve_shut_connections(loop, true);
	loop->forced = true;
}

static void serve_on_turn(h2o_timeout_entry_t *entry)
{
	struct rest_loop *loop = H2O_STRUCT_FROM_MEMBER(struct rest_loop, turn, entry);

	loop->turned = true;
	rest_flow_turn(loop);
}

static void serve_on_pause(h2o_timeout_entry_t *entry)
{
	struct rest_loop *loop = H2O_STRUCT_FROM_MEMBER(struct rest_loop, paused_turn, entry);

	rest_loop_arm_turn(loop);
}

static void serve_on_tick(h2o_timeout_entry_t *entry)
{
	struct rest_loop *loop = H2O_STRUCT_FROM_MEMBER(struct rest_loop, tick, entry);

	rest_loop_resume(loop);
	rest_loop_trim(loop);
	if (loop->draining && now_ns() >= loop->drain_until_ns)
		serve_force(loop);
	else
		rest_exchange_expire(loop, false);
	if (loop->draining || loop->paused || !h2o_linklist_is_empty(&loop->pending))
		rest_loop_arm_tick(loop);
}

static void serve_drain(struct rest_loop *loop)
{
	loop->draining = true;
	loop->drain_until_ns = now_ns() + loop->grace_ms * NS_PER_MS;
	h2o_socket_close(loop->listener);
	loop->listener = NULL;
	h2o_context_request_shutdown(&loop->http);
	serve_shut_connections(loop, false);
	rest_loop_arm_tick(loop);
}

static void serve_on_control(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
	struct rest_loop *loop = H2O_STRUCT_FROM_MEMBER(struct rest_loop, control, receiver);

	for (h2o_linklist_t *node = messages->next, *next; node != messages; node = next) {
		next = node->next;
		h2o_linklist_unlink(node);
		if (node == &loop->ping.link)
			sem_post(&loop->ready);
		else if (!loop->draining)
			serve_drain(loop);
	}
}

int rest_serve_prepare(struct rest_loop *loop, struct rest_server *server)
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
static void serve_init(struct rest_loop *loop)
{
	h2o_context_init(&loop->http, h2o_evloop_create(), &loop->server->http);
	h2o_linklist_init_anchor(&loop->connections);
	h2o_linklist_init_anchor(&loop->pending);
	rest_peers_init(&loop->peers);
	h2o_timeout_init(loop->http.loop, &loop->patience, REST_PATIENCE_MS);
	h2o_timeout_init(loop->http.loop, &loop->pause, SERVE_PAUSE_MS);
	loop->turn.cb = serve_on_turn;
	loop->paused_turn.cb = serve_on_pause;
	loop->tick.cb = serve_on_tick;
	loop->owners = (struct rpc_owner_query)RPC_OWNER_QUERY_INIT;
	if (loop->server->config.ask_owner)
		rpc_owner_query_prepare(&loop->owners);
	loop->accept_ctx.ctx = &loop->http;
	loop->accept_ctx.hosts = loop->server->http.hosts;
	h2o_multithread_register_receiver(loop->http.queue, &loop->control, serve_on_control);
	loop->mailbox = rest_mailbox_open(loop);
	if (!loop->mailbox)
		h2o_fatal("no memory");
	loop->listener = h2o_evloop_socket_create(
		loop->http.loop, loop->listen_fd, H2O_SOCKET_FLAG_DONT_READ);
	loop->listen_fd = -1;
	loop->listener->data = loop;
	loop->on_accept = serve_on_accept;
	h2o_socket_read_start(loop->listener, loop->on_accept);
}

static void serve_dispose(struct rest_loop *loop)
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

void *rest_serve_main(void *data)
{
	struct rest_loop *loop = data;

	pthread_setname_np(pthread_self(), "rest");
	serve_init(loop);
	sem_post(&loop->ready);
	/* The run is cut short by signals and the like, which changes nothing. */
	while (!loop->draining || loop->connection_count > 0) {
		loop->turned = false;
		if (rest_peers_have_turns(&loop->peers, false))
			rest_loop_arm_turn(loop);
		h2o_evloop_run(loop->http.loop, INT32_MAX);
	}
	serve_dispose(loop);
	return NULL;
}
