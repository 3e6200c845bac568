/* SPDX-License-Identifier: MIT */
/* Closing without destroying the answer. */
#include "rest/linger.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Bytes dropped at one go, so that others get their turn. */
#define LINGER_READ_MAX 65536

static void linger_on_close(void *data)
{
	struct rest_connection *connection = data;

	connection->sock = NULL;
	rest_connection_forget(connection);
}

static void linger_on_read(h2o_socket_t *sock, const char *err)
{
	char dropped[LINGER_READ_MAX];
	ssize_t n = err ? 0 : read(h2o_socket_get_fd(sock), dropped, sizeof(dropped));

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		h2o_socket_close(sock);
}

static void linger_on_timeout(h2o_timeout_entry_t *entry)
{
	struct rest_connection *connection =
		H2O_STRUCT_FROM_MEMBER(struct rest_connection, timer, entry);

	h2o_socket_close(connection->sock);
}

void rest_linger_wanted(struct rest_connection *connection)
{
	/* Where all has been read there is nothing to reset for. */
	if (connection->linger_fd < 0 && !connection->ended)
		connection->linger_fd =
			fcntl(h2o_socket_get_fd(connection->sock), F_DUPFD_CLOEXEC, 0);
}

void rest_linger_start(struct rest_connection *connection)
{
	h2o_context_t *http = &connection->loop->http;

	shutdown(connection->linger_fd, SHUT_WR);
	connection->stage = REST_LINGERS;
	rest_peers_wait(&connection->seat);
	connection->sock = h2o_evloop_socket_create(
		http->loop, connection->linger_fd, H2O_SOCKET_FLAG_DONT_READ);
	connection->linger_fd = -1;
	connection->sock->on_close.cb = linger_on_close;
	connection->sock->on_close.data = connection;
	connection->timer.cb = linger_on_timeout;
	h2o_timeout_link(http->loop, &http->one_sec_timeout, &connection->timer);
	h2o_socket_read_start(connection->sock, linger_on_read);
}
