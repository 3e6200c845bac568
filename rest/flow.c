/* SPDX-License-Identifier: MIT */
/* Reading, judging, turns. */
#include "rest/flow.h"

#include "core/base/clock.h"
#include "rest/body.h"
#include "rest/refusal.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* What is read at one go, at the most. */
#define FLOW_READ_MAX 4096
/* How long a turn of the loop serves requests, before it looks who else has come. */
#define FLOW_TURN_NS NS_PER_MS

static void flow_on_read(h2o_socket_t *sock, const char *err);
static void flow_on_patience(h2o_timeout_entry_t *entry);

/* From now on it is the client's doing how long it takes. */
static void flow_let_wait(struct rest_connection *connection, enum rest_stage stage)
{
	connection->stage = stage;
	rest_peers_wait(&connection->seat);
	rest_loop_resume(connection->loop);
}

static void flow_start_patience(struct rest_connection *connection)
{
	h2o_timeout_unlink(&connection->timer);
	connection->timer.cb = flow_on_patience;
	h2o_timeout_link(
		connection->loop->http.loop, &connection->loop->patience, &connection->timer);
}

/* The client has done its part, or has no part in it any more. */
static void flow_stop_waiting(struct rest_connection *connection, enum rest_stage stage)
{
	connection->stage = stage;
	rest_peers_wait_no_more(&connection->seat);
	h2o_timeout_unlink(&connection->timer);
	h2o_socket_read_stop(connection->sock);
}

/* A request that came to no good end, while h2o waits for one or the handler for its body. */
static void flow_refuse(
	struct rest_connection *connection, int status, enum rpc_code code, const char *why)
{
	bool has_request = connection->stage == REST_BODY;

	flow_stop_waiting(connection, REST_SERVED);
	connection->is_broken = true;
	rest_inbox_drop(&connection->inbox, connection->inbox.len);
	rest_connection_count(connection);
	if (h2o_socket_is_writing(connection->sock)) {
		/* The client does not even take its 100 (Continue). */
		rest_connection_end(connection);
	} else if (has_request) {
		connection->whole.refuse(connection->whole.req, status, code, "%s", why);
	} else {
		rest_connection_want_linger(connection);
		flow_let_wait(connection, REST_REFUSED);
		rest_refusal_send(connection, status, code, why);
	}
}

static void flow_refuse_head(struct rest_connection *connection, enum rest_head verdict)
{
	int status = verdict == REST_HEAD_TOO_LONG	? 431
		     : verdict == REST_HEAD_EXPECTATION ? 417
							: 400;

	flow_refuse(connection, status, RPC_INVALID_ARGUMENT, connection->head.why);
}

static void flow_refuse_body(struct rest_connection *connection, enum rest_chunked verdict)
{
	char text[64];

	snprintf(text, sizeof(text), "the request body is longer than %d bytes", REST_BODY_MAX);
	if (verdict == REST_CHUNKED_TOO_LONG)
		flow_refuse(connection, 413, RPC_INVALID_ARGUMENT, text);
	else
		flow_refuse(connection, 400, RPC_INVALID_ARGUMENT, connection->chunked.why);
}

static void flow_on_patience(h2o_timeout_entry_t *entry)
{
	struct rest_connection *connection =
		H2O_STRUCT_FROM_MEMBER(struct rest_connection, timer, entry);

	if (connection->stage == REST_WAITING && connection->inbox.len == 0)
		rest_connection_end(connection);
	else
		flow_refuse(connection, 408, RPC_DEADLINE_EXCEEDED,
			"the request did not come to its end within 10 seconds");
}

/* What has come may be a whole head: then it is one more in the line. */
static void flow_judge(struct rest_connection *connection)
{
	enum rest_head verdict = rest_head_check(
		&connection->head, rest_inbox_bytes(&connection->inbox), connection->inbox.len);

	if (verdict == REST_HEAD_PARTIAL) {
		h2o_socket_read_start(connection->sock, flow_on_read);
		return;
	}
	if (verdict != REST_HEAD_GOOD) {
		flow_refuse_head(connection, verdict);
		return;
	}
	flow_stop_waiting(connection, REST_TURN);
	rest_peers_queue(&connection->loop->peers, &connection->seat, connection->pipelined == 0);
	rest_loop_arm_turn(connection->loop);
}

static void flow_wait_for_head(struct rest_connection *connection)
{
	connection->head = (struct rest_head_scan){0};
	connection->body = 0;
	flow_start_patience(connection);
	flow_let_wait(connection, REST_WAITING);
	if (connection->inbox.len > 0)
		flow_judge(connection);
	else
		h2o_socket_read_start(connection->sock, flow_on_read);
}

static void flow_drop_body(struct rest_connection *connection)
{
	connection->is_whole = true;
	rest_inbox_drop(&connection->inbox, connection->body);
	connection->body = 0;
	rest_connection_count(connection);
}

static void flow_go_on(struct rest_connection *connection)
{
	struct rest_whole whole = connection->whole;

	flow_stop_waiting(connection, REST_SERVED);
	connection->is_whole = true;
	whole.req->entity = h2o_iovec_init(rest_inbox_bytes(&connection->inbox), connection->body);
	/* It may answer, but what is answered is written a little later: the connection lives. */
	whole.go_on(whole.req, whole.arg);
	flow_drop_body(connection);
}

static void flow_on_continue_sent(h2o_socket_t *sock, const char *err)
{
	struct rest_connection *connection = sock->on_close.data;

	if (err)
		rest_connection_end(connection);
	else
		h2o_socket_read_start(sock, flow_on_read);
}

static void flow_wait_for_body(struct rest_connection *connection)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
	h2o_iovec_t bytes = h2o_iovec_init(text, sizeof(text) - 1);

	flow_start_patience(connection);
	flow_let_wait(connection, REST_BODY);
	if (connection->head.wants_continue && connection->inbox.len == 0)
		h2o_socket_write(connection->sock, &bytes, 1, flow_on_continue_sent);
	else
		h2o_socket_read_start(connection->sock, flow_on_read);
}

void rest_flow_when_whole(const struct rest_whole *whole)
{
	struct rest_connection *connection = rest_connection_of(whole->req);
	enum rest_chunked verdict = rest_body_take(connection);

	connection->whole = *whole;
	rest_connection_count(connection);
	if (verdict == REST_CHUNKED_DONE) {
		flow_go_on(connection);
	} else if (verdict == REST_CHUNKED_PARTIAL) {
		flow_wait_for_body(connection);
	} else {
		connection->stage = REST_BODY;
		flow_refuse_body(connection, verdict);
	}
}

/* Gives h2o the head, without the line about its body: that is none of its business. */
static void flow_serve(struct rest_connection *connection)
{
	const struct rest_head_scan *head = &connection->head;
	h2o_socket_t *sock = connection->sock;
	const char *bytes = rest_inbox_bytes(&connection->inbox);
	size_t behind = head->framing + head->framing_len;
	h2o_iovec_t room = h2o_buffer_reserve(&sock->input, head->len);

	connection->stage = REST_SERVED;
	connection->is_whole = head->framing_len == 0;
	connection->is_broken = false;
	connection->chunked = (struct rest_chunked_reader){.limit = REST_BODY_MAX};
	memcpy(room.base, bytes, head->framing);
	memcpy(room.base + head->framing, bytes + behind, head->len - behind);
	sock->input->size += head->len - head->framing_len;
	rest_inbox_drop(&connection->inbox, head->len);
	rest_connection_count(connection);
	connection->parse(sock, NULL);
}

/* A thread that never sleeps is made to wait by the kernel when somebody wants the processor. So
 * after a turn that was used up, and served requests that were sent in a row, these pause as long.
 */
void rest_flow_turn(struct rest_loop *loop)
{
	int64_t start = now_ns(), now = start;
	bool fresh_only = start < loop->behind_ns, behind = false;
	struct rest_connection *connection;
	struct rest_seat *seat;

	while (now < start + FLOW_TURN_NS && (seat = rest_peers_next(&loop->peers, fresh_only))) {
		connection = H2O_STRUCT_FROM_MEMBER(struct rest_connection, seat, seat);
		behind |= connection->pipelined > 0;
		flow_serve(connection);
		now = now_ns();
	}
	if (behind && now >= start + FLOW_TURN_NS)
		loop->behind_ns = now + (now - start);
}

bool rest_flow_is_last(struct rest_connection *connection)
{
	/* Answered before its body was asked for: what has come of it is passed over. */
	if (!connection->is_whole && !connection->is_broken &&
		rest_body_take(connection) == REST_CHUNKED_DONE)
		flow_drop_body(connection);
	if (connection->is_whole && connection->pipelined < REST_PIPELINED_MAX)
		return false;
	rest_connection_want_linger(connection);
	return true;
}

/* h2o turns to the next request, of which it has nothing yet; or it closes. */
static void flow_on_sent(h2o_socket_t *sock, const char *err)
{
	struct rest_connection *connection = sock->on_close.data;
	bool gone = false;

	/* h2o would not look at it, but go on with all that the client has sent before it went. */
	if (err) {
		rest_connection_end(connection);
		return;
	}
	/* cppcheck-suppress autoVariables ; taken back below, unless the connection has gone */
	connection->gone = &gone;
	connection->sent(sock, err);
	if (gone)
		return;
	connection->gone = NULL;
	connection->pipelined = connection->inbox.len > 0 ? connection->pipelined + 1 : 0;
	flow_wait_for_head(connection);
}

void rest_flow_answered(struct rest_connection *connection, h2o_req_t *req)
{
	h2o_socket_t *sock = connection->sock;

	h2o_timeout_unlink(&connection->timer);
	flow_let_wait(connection, REST_ANSWERED);
	if (!req->http1_is_persistent && connection->inbox.len > 0)
		rest_connection_want_linger(connection);
	if (!h2o_socket_is_writing(sock) || !req->http1_is_persistent)
		return;
	connection->sent = sock->_cb.write;
	sock->_cb.write = flow_on_sent;
}

static void flow_on_end(struct rest_connection *connection)
{
	bool idle = connection->stage == REST_WAITING && connection->inbox.len == 0;

	connection->ended = true;
	/* When the server ends, it is we who have ended it. */
	if (idle || connection->loop->draining)
		rest_connection_end(connection);
	else
		flow_refuse(connection, 400, RPC_INVALID_ARGUMENT,
			"the connection ended before the request did");
}

static bool flow_has_bytes(const struct rest_seat *seat)
{
	return H2O_STRUCT_FROM_MEMBER(struct rest_connection, seat, seat)->inbox.cap > 0;
}

/* Whether there is memory for more of the request. Where unfinished ones hold too much, one of the
 * peer that holds most goes. */
static bool flow_has_memory(struct rest_connection *connection)
{
	struct rest_loop *loop = connection->loop;
	struct rest_connection *greedy;
	struct rest_seat *seat;

	if (loop->inbox_bytes <= REST_LOOP_BYTES_MAX)
		return true;
	seat = rest_peers_greediest(&loop->peers, flow_has_bytes);
	if (!seat)
		return true;
	greedy = H2O_STRUCT_FROM_MEMBER(struct rest_connection, seat, seat);
	flow_refuse(greedy, 503, RPC_UNAVAILABLE,
		"too many requests are being sent at once, and this one for longest; try again");
	return greedy != connection;
}

static ssize_t flow_receive(struct rest_connection *connection)
{
	size_t room;
	char *to = rest_inbox_room(&connection->inbox, 1, &room);
	ssize_t n;

	if (!to)
		return -ENOMEM;
	n = read(h2o_socket_get_fd(connection->sock), to,
		room < FLOW_READ_MAX ? room : FLOW_READ_MAX);
	if (n < 0)
		n = -errno;
	if (n > 0)
		connection->inbox.len += (size_t)n;
	rest_inbox_drop(&connection->inbox, 0);
	rest_connection_count(connection);
	return n;
}

static void flow_take(struct rest_connection *connection)
{
	enum rest_chunked verdict;

	if (connection->stage == REST_WAITING) {
		flow_judge(connection);
		return;
	}
	verdict = rest_body_take(connection);
	rest_connection_count(connection);
	if (verdict == REST_CHUNKED_DONE)
		flow_go_on(connection);
	else if (verdict != REST_CHUNKED_PARTIAL)
		flow_refuse_body(connection, verdict);
}

static void flow_on_read(h2o_socket_t *sock, const char *err)
{
	struct rest_connection *connection = sock->on_close.data;
	bool first = connection->stage == REST_WAITING && connection->inbox.len == 0;
	ssize_t n;

	if (!err && !flow_has_memory(connection))
		return;
	n = err ? -EIO : flow_receive(connection);
	if (n == 0) {
		flow_on_end(connection);
		return;
	}
	if (n < 0) {
		if (n != -EAGAIN && n != -EINTR)
			rest_connection_end(connection);
		return;
	}
	/* How long the connection was idle before is not held against the request. */
	if (first)
		flow_start_patience(connection);
	flow_take(connection);
}

void rest_flow_open(struct rest_loop *loop, h2o_socket_t *sock)
{
	struct rest_connection *connection = rest_connection_open(loop, sock);

	if (!connection)
		return;
	/* h2o would read on for as long as there is anything. */
	h2o_socket_dont_read(sock, 1);
	connection->parse = sock->_cb.read;
	flow_wait_for_head(connection);
}
