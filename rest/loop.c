/* SPDX-License-Identifier: MIT */
/* The event loop's thread: accepting, deadlines, the orderly end. */
#include "rest/loop.h"

#include "rest/connection.h"
#include "rest/exchange.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

/* Connections taken at one go: few, so that the other loops get their share of a burst. */
#define LOOP_ACCEPT_MAX 4

static bool loop_is_full(const struct rest_loop *loop)
{
	return loop->connection_count >= loop->max_connections;
}

/* Dismisses the connection that has been idle for longest where someone waits for its place, so
 * that those who say nothing keep out nobody who does. */
static void loop_make_room(struct rest_loop *loop)
{
	struct pollfd waiting = {.fd = h2o_socket_get_fd(loop->listener), .events = POLLIN};
	h2o_linklist_t *node = loop->connections.next;

	if (poll(&waiting, 1, 0) != 1)
		return;
	while (node != &loop->connections && !rest_connection_dismiss(H2O_STRUCT_FROM_MEMBER(
						     struct rest_connection, link, node)))
		node = node->next;
}

static void loop_pause(struct rest_loop *loop)
{
	loop->paused = true;
	h2o_socket_read_stop(loop->listener);
	loop_make_room(loop);
	rest_loop_arm_tick(loop);
}

static void loop_on_accept(h2o_socket_t *listener, const char *err)
{
	struct rest_loop *loop = listener->data;

	if (err)
		return;
	for (int i = 0; i < LOOP_ACCEPT_MAX && !loop_is_full(loop); i++) {
		h2o_socket_t *sock = h2o_evloop_socket_accept(listener);

		if (sock) {
			rest_connection_open(loop, sock);
			continue;
		}
		/* Out of descriptors, the listener stays readable: trying on would spin. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			loop_pause(loop);
		return;
	}
	if (loop_is_full(loop))
		loop_pause(loop);
}

void rest_loop_resume(struct rest_loop *loop)
{
	if (!loop->paused || !loop->listener || loop_is_full(loop))
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

static void loop_on_tick(h2o_timeout_entry_t *entry)
{
	struct rest_loop *loop = H2O_STRUCT_FROM_MEMBER(struct rest_loop, tick, entry);

	rest_loop_resume(loop);
	if (loop->paused && loop->listener)
		loop_make_room(loop);
	if (loop->draining && rpc_now_ns() >= loop->drain_until_ns)
		loop_force(loop);
	else
		rest_exchange_expire(loop, false);
	if (loop->draining || loop->paused || !h2o_linklist_is_empty(&loop->pending))
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

	(void)messages; /* there is but one */
	if (h2o_linklist_is_linked(&loop->stop.link))
		h2o_linklist_unlink(&loop->stop.link);
	if (!loop->draining)
		loop_drain(loop);
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
	while (!loop->draining || loop->connection_count > 0)
		h2o_evloop_run(loop->http.loop, INT32_MAX);
	loop_dispose(loop);
	return NULL;
}
