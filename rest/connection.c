/* SPDX-License-Identifier: MIT */
/* Connections: their beginning and end, and who is there. */
#include "rest/connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Bytes dropped at one go, so that others get their turn. */
#define LATE_READ_MAX 65536

static void connection_forget(struct rest_connection *connection)
{
	struct rest_loop *loop = connection->loop;

	h2o_linklist_unlink(&connection->link);
	h2o_timeout_unlink(&connection->timer);
	rest_peers_leave(&connection->seat);
	loop->connection_count--;
	rest_loop_resume(loop);
	rest_loop_freed(loop, sizeof(*connection));
	free(connection);
}

static void connection_on_lingered(void *data)
{
	struct rest_connection *connection = data;

	connection->sock = NULL;
	connection_forget(connection);
}

static void connection_on_late(h2o_socket_t *sock, const char *err)
{
	char dropped[LATE_READ_MAX];
	ssize_t n = err ? 0 : read(h2o_socket_get_fd(sock), dropped, sizeof(dropped));

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		h2o_socket_close(sock);
}

static void connection_on_timeout(h2o_timeout_entry_t *entry)
{
	struct rest_connection *connection =
		H2O_STRUCT_FROM_MEMBER(struct rest_connection, timer, entry);

	h2o_socket_close(connection->sock);
}

static void connection_linger(struct rest_connection *connection)
{
	h2o_context_t *http = &connection->loop->http;

	shutdown(connection->linger_fd, SHUT_WR);
	connection->stage = REST_LINGERS;
	rest_peers_wait(&connection->seat);
	connection->sock = h2o_evloop_socket_create(
		http->loop, connection->linger_fd, H2O_SOCKET_FLAG_DONT_READ);
	connection->linger_fd = -1;
	connection->sock->on_close.cb = connection_on_lingered;
	connection->sock->on_close.data = connection;
	connection->timer.cb = connection_on_timeout;
	h2o_timeout_link(http->loop, &http->one_sec_timeout, &connection->timer);
	h2o_socket_read_start(connection->sock, connection_on_late);
}

void rest_connection_count(struct rest_connection *connection)
{
	size_t before = connection->counted, now = connection->inbox.cap;

	connection->counted = now;
	connection->loop->inbox_bytes += now - before;
	connection->seat.peer->bytes += now - before;
	if (now < before)
		rest_loop_freed(connection->loop, before - now);
}

static void connection_on_close(void *data)
{
	struct rest_connection *connection = data;

	if (connection->gone)
		*connection->gone = true;
	connection->gone = NULL;
	connection->sock = NULL;
	rest_inbox_drop(&connection->inbox, connection->inbox.len);
	rest_connection_count(connection);
	h2o_timeout_unlink(&connection->timer);
	rest_json_clear(&connection->refusal);
	if (connection->linger_fd >= 0)
		connection_linger(connection);
	else
		connection_forget(connection);
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

/* The user where that is known. An IPv6 host has the whole /64 it is in. */
static struct rest_peer_key connection_key(struct rest_connection *connection)
{
	struct rest_peer_key key = {0};

	if (connection->owner.known) {
		key.kind = REST_PEER_USER;
		memcpy(key.bytes, &connection->owner.uid, sizeof(connection->owner.uid));
		return key;
	}
	rest_connection_know_peer(connection);
	key.kind = (uint8_t)connection->address.family;
	memcpy(key.bytes, connection->address.bytes, sizeof(key.bytes));
	return key;
}

struct rest_connection *rest_connection_open(struct rest_loop *loop, h2o_socket_t *sock)
{
	struct rest_connection *connection = calloc(1, sizeof(*connection));

	if (!connection) {
		h2o_socket_close(sock);
		return NULL;
	}
	connection->loop = loop;
	connection->sock = sock;
	connection->linger_fd = -1;
	connection_ask_owner(connection);
	if (!rest_peers_join(&loop->peers, &connection->seat, connection_key(connection))) {
		h2o_socket_close(sock);
		free(connection);
		return NULL;
	}
	h2o_linklist_insert(&loop->connections, &connection->link);
	loop->connection_count++;
	sock->on_close.cb = connection_on_close;
	sock->on_close.data = connection;
	h2o_accept(&loop->accept_ctx, sock);
	return connection;
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

void rest_connection_want_linger(struct rest_connection *connection)
{
	/* Where all has been read there is nothing to reset for. */
	if (connection->linger_fd < 0 && !connection->ended)
		connection->linger_fd =
			fcntl(h2o_socket_get_fd(connection->sock), F_DUPFD_CLOEXEC, 0);
}

bool rest_connection_is_open(const struct rest_connection *connection)
{
	return rpc_owner_is_there(h2o_socket_get_fd(connection->sock));
}

void rest_connection_end(struct rest_connection *connection)
{
	/* h2o's reader takes an error for the end, and frees what it has of the connection. */
	if (connection->stage == REST_LINGERS)
		h2o_socket_close(connection->sock);
	else
		connection->parse(connection->sock, h2o_socket_error_closed);
}

void rest_connection_evict(struct rest_connection *connection)
{
	if (connection->linger_fd >= 0)
		close(connection->linger_fd);
	connection->linger_fd = -1;
	rest_connection_end(connection);
}

void rest_connection_shut(struct rest_connection *connection, bool force)
{
	int fd = h2o_socket_get_fd(connection->sock);

	if (force)
		shutdown(fd, SHUT_RDWR);
	else if (connection->stage == REST_WAITING && connection->inbox.len == 0)
		shutdown(fd, SHUT_RD);
}
