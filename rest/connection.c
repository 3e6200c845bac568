/* SPDX-License-Identifier: MIT */
/* Connections: the gate before h2o's parser, the lingering end. */
#include "rest/connection.h"

#include "rest/answer.h"
#include "rest/head.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

static void connection_free(struct rest_connection *connection)
{
	struct rest_loop *loop = connection->loop;

	h2o_linklist_unlink(&connection->link);
	h2o_timeout_unlink(&connection->linger);
	loop->connection_count--;
	rest_loop_resume(loop);
	rest_json_clear(&connection->refusal);
	free(connection);
}

static void linger_on_close(void *data)
{
	connection_free(data);
}

static void linger_on_read(h2o_socket_t *sock, const char *err)
{
	if (err)
		h2o_socket_close(sock);
	else
		h2o_buffer_consume(&sock->input, sock->input->size);
}

static void linger_on_timeout(h2o_timeout_entry_t *entry)
{
	struct rest_connection *connection =
		H2O_STRUCT_FROM_MEMBER(struct rest_connection, linger, entry);

	h2o_socket_close(connection->sock);
}

/* h2o is through with its descriptor; ours is the last. */
static void linger_start(struct rest_connection *connection)
{
	h2o_context_t *http = &connection->loop->http;

	shutdown(connection->linger_fd, SHUT_WR);
	connection->sock = h2o_evloop_socket_create(http->loop, connection->linger_fd, 0);
	connection->linger_fd = -1;
	connection->sock->on_close.cb = linger_on_close;
	connection->sock->on_close.data = connection;
	connection->linger.cb = linger_on_timeout;
	h2o_timeout_link(http->loop, &http->one_sec_timeout, &connection->linger);
	h2o_socket_read_start(connection->sock, linger_on_read);
}

static void connection_on_close(void *data)
{
	struct rest_connection *connection = data;

	if (connection->gone)
		*connection->gone = true;
	connection->gone = NULL;
	connection->sock = NULL;
	if (connection->linger_fd >= 0)
		linger_start(connection);
	else
		connection_free(connection);
}

void rest_connection_linger(struct rest_connection *connection)
{
	if (connection->linger_fd < 0)
		connection->linger_fd =
			fcntl(h2o_socket_get_fd(connection->sock), F_DUPFD_CLOEXEC, 0);
}

/* h2o's reader takes an error for the end of the connection and frees what it has of it. */
static void gate_on_refused(h2o_socket_t *sock, const char *err)
{
	struct rest_connection *connection = sock->on_close.data;

	connection->parse(sock, err ? err : h2o_socket_error_closed);
}

static void gate_refuse(struct rest_connection *connection, enum rest_head verdict, const char *why)
{
	struct rest_json *text = &connection->refusal;
	struct rest_json body = {0};
	int status = verdict == REST_HEAD_TOO_LONG ? 431 : 400;
	char head[256];
	h2o_iovec_t bytes;

	rest_answer_error(&body, RPC_INVALID_ARGUMENT, why, NULL, NULL);
	snprintf(head, sizeof(head),
		"HTTP/1.1 %d %s\r\nServer: vfiod\r\nConnection: close\r\n"
		"Content-Type: application/json\r\nX-Content-Type-Options: nosniff\r\n"
		"Cache-Control: no-store\r\nContent-Length: %zu\r\n\r\n",
		status, rest_answer_reason(status), body.len);
	rest_json_raw(text, head, strlen(head));
	rest_json_raw(text, body.data, body.len);
	rest_json_clear(&body);
	rest_connection_linger(connection);
	h2o_socket_read_stop(connection->sock);
	bytes = h2o_iovec_init(text->data, text->len);
	h2o_socket_write(connection->sock, &bytes, 1, gate_on_refused);
}

/* Bytes arrived while h2o waits for a request. */
static void gate_on_read(h2o_socket_t *sock, const char *err)
{
	struct rest_connection *connection = sock->on_close.data;
	const char *why;

	if (err) {
		connection->parse(sock, err);
		return;
	}
	switch (rest_head_check(
		sock->input->bytes, sock->input->size, &connection->head_len, &why)) {
	case REST_HEAD_PARTIAL:
		return;
	case REST_HEAD_GOOD:
		/* The body is h2o's alone; the gate comes back with the answer. */
		h2o_socket_read_start(sock, connection->parse);
		connection->parse(sock, NULL);
		return;
	case REST_HEAD_BAD:
		gate_refuse(connection, REST_HEAD_BAD, why);
		return;
	case REST_HEAD_TOO_LONG:
		gate_refuse(connection, REST_HEAD_TOO_LONG, why);
		return;
	}
}

/* Takes what has come behind the request that was answered off the socket's buffer. */
static h2o_iovec_t gate_hide(h2o_socket_t *sock, size_t answered)
{
	size_t len = sock->input->size > answered ? sock->input->size - answered : 0;
	h2o_iovec_t hidden = {NULL, len};

	if (len == 0)
		return hidden;
	hidden.base = h2o_mem_alloc(len);
	memcpy(hidden.base, sock->input->bytes + answered, len);
	sock->input->size = answered;
	return hidden;
}

/* Puts it back, to be judged when more comes. */
static void gate_show(h2o_socket_t *sock, h2o_iovec_t hidden)
{
	h2o_iovec_t room = h2o_buffer_reserve(&sock->input, hidden.len);

	memcpy(room.base, hidden.base, hidden.len);
	sock->input->size += hidden.len;
}

/* Lets h2o turn to the next request; what has come of one must be past the gate, for h2o parses it
 * at once. False: the connection has ended. */
static bool gate_go_on(struct rest_connection *connection, h2o_socket_t *sock, const char *err)
{
	bool gone = false;

	/* cppcheck-suppress autoVariables ; taken back below, unless the connection has gone */
	connection->gone = &gone;
	connection->sent(sock, err);
	if (!gone)
		connection->gone = NULL;
	return !gone;
}

/* An answer has been written. A request that was sent behind the one answered is in the buffer
 * already: it is judged here, and kept from h2o until its head is whole. */
static void gate_on_sent(h2o_socket_t *sock, const char *err)
{
	struct rest_connection *connection = sock->on_close.data;
	size_t answered = connection->request_len, size = sock->input->size;
	enum rest_head verdict = REST_HEAD_PARTIAL;
	h2o_iovec_t hidden = {NULL, 0};
	const char *why = NULL;

	if (!err && size > answered)
		verdict = rest_head_check(sock->input->bytes + answered, size - answered,
			&connection->head_len, &why);
	if (verdict == REST_HEAD_BAD || verdict == REST_HEAD_TOO_LONG) {
		gate_refuse(connection, verdict, why);
		return;
	}
	if (verdict == REST_HEAD_PARTIAL)
		hidden = gate_hide(sock, answered);
	/* Where it reads no more it is about to close. */
	if (gate_go_on(connection, sock, err) && verdict == REST_HEAD_PARTIAL &&
		h2o_socket_is_reading(sock)) {
		if (hidden.len > 0)
			gate_show(sock, hidden);
		h2o_socket_read_start(sock, gate_on_read);
	}
	free(hidden.base);
}

void rest_connection_answered(struct rest_connection *connection, h2o_req_t *req)
{
	h2o_socket_t *sock = connection->sock;

	h2o_linklist_unlink(&connection->link);
	h2o_linklist_insert(&connection->loop->connections, &connection->link);
	if (!h2o_socket_is_writing(sock) || !req->http1_is_persistent)
		return;
	/* h2o has decoded a chunked body in place, so this is right for one too. */
	connection->request_len = connection->head_len + req->entity.len;
	connection->sent = sock->_cb.write;
	sock->_cb.write = gate_on_sent;
}

struct rest_connection *rest_connection_of(h2o_req_t *req)
{
	return req->conn->callbacks->get_socket(req->conn)->on_close.data;
}

/* Now, not when a change is asked for: by then the peer can have closed, and its port be another's.
 */
static void connection_ask_owner(struct rest_connection *connection)
{
	const struct rest_config *config = &connection->loop->server->config;

	if (config->ask_owner && config->access->key_len == 0)
		connection->owner.known = rpc_owner_of(&connection->loop->owners,
			h2o_socket_get_fd(connection->sock), &connection->owner.uid);
}

void rest_connection_open(struct rest_loop *loop, h2o_socket_t *sock)
{
	struct rest_connection *connection = calloc(1, sizeof(*connection));

	if (!connection) {
		h2o_socket_close(sock);
		return;
	}
	connection->loop = loop;
	connection->sock = sock;
	connection->linger_fd = -1;
	connection_ask_owner(connection);
	h2o_linklist_insert(&loop->connections, &connection->link);
	loop->connection_count++;
	sock->on_close.cb = connection_on_close;
	sock->on_close.data = connection;
	h2o_accept(&loop->accept_ctx, sock);
	connection->parse = sock->_cb.read;
	h2o_socket_read_start(sock, gate_on_read);
}

static void connection_describe(struct rest_connection *connection, const struct sockaddr *peer)
{
	char host[INET6_ADDRSTRLEN] = "?";
	bool v6 = connection->address.family == AF_INET6;

	if (connection->address.family == AF_UNSPEC) {
		snprintf(connection->text, sizeof(connection->text), "local");
		return;
	}
	inet_ntop(connection->address.family, connection->address.bytes, host, sizeof(host));
	snprintf(connection->text, sizeof(connection->text), v6 ? "[%s]:%d" : "%s:%d", host,
		(int)h2o_socket_getport((struct sockaddr *)peer));
}

void rest_connection_know_peer(struct rest_connection *connection)
{
	struct sockaddr_storage peer = {0};

	if (connection->known)
		return;
	connection->known = true;
	h2o_socket_getpeername(connection->sock, (struct sockaddr *)&peer);
	rest_address_from((struct sockaddr *)&peer, &connection->address);
	connection_describe(connection, (struct sockaddr *)&peer);
}

bool rest_connection_is_open(const struct rest_connection *connection)
{
	return rpc_owner_is_there(h2o_socket_get_fd(connection->sock));
}

bool rest_connection_dismiss(struct rest_connection *connection)
{
	bool idle = connection->sock->input->size == 0;

	/* Lingering, it is no longer h2o's and soon gone anyway. */
	if (h2o_timeout_is_linked(&connection->linger) || !idle)
		return false;
	shutdown(h2o_socket_get_fd(connection->sock), SHUT_RD);
	return true;
}

void rest_connection_shut(struct rest_connection *connection, bool force)
{
	if (force)
		shutdown(h2o_socket_get_fd(connection->sock), SHUT_RDWR);
	else
		rest_connection_dismiss(connection);
}
