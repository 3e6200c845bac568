/* SPDX-License-Identifier: MIT */
/*
 * Functions of libc that stand before libc's own in every program with an nng socket.
 *
 * First, a workaround. nng mishandles a connection that a send, or a poll for one, finds lost:
 * - During the handshake, nng before 1.6 takes the loss for the end of the listener, which then
 *   accepts nobody. One client that connects and closes over ipc:// is enough.
 * - Later, nng closes the connection. If a message is being received in several reads, nng starts
 *   the next read, which is refused without a completion, because the connection is closed. nng's
 *   only thread for closing waits for that completion forever, and every connection that ends from
 *   then on keeps its descriptor. A client that sends requests and leaves without reading the
 *   replies is enough. nng 1.6 avoids this over tcp://; over ipc:// and tls+tcp:// all of 1.x has
 * it.
 *
 * nng handles a loss well that a receive finds, and it always has a receive pending. So sendmsg()
 * into a lost stream succeeds, as if it had been made a moment earlier, or, over a connection of
 * our listeners, waits until that is closed (rpc_stream_send). epoll_wait() reports an error to
 * nng's own thread as readable and writable; the receive then finds the error.
 *
 * nng hangs likewise when a receive finds the end while a reply is being sent in several writes. So
 * rpc_stream_send sends a message as a whole or, as nng sees it, not at all.
 *
 * Second, limits. nng bounds neither the number of connections nor the time that they stay. By
 * listen(), accept() and close() the connections of our listeners are known from accept to close;
 * by readv(), sendmsg() and epoll_ctl() they are held to what rpc/nng/connections.h says;
 * getsockopt() and getpeername() tell which descriptor is behind a pipe (rpc/nng/descriptor.h).
 *
 * All other descriptors are left to libc. sendmsg() alone looks at each stream, for nng's dialers
 * have connections, too.
 */
#include "rpc/nng/mend.h"

#include "rpc/nng/connections.h"
#include "rpc/nng/descriptor.h"
#include "rpc/nng/libc.h"
#include "rpc/nng/lobby.h"
#include "rpc/nng/stream.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

void rpc_mend(void)
{
}

static bool is_loss(int error)
{
	return error == EPIPE || error == ECONNRESET || error == ETIMEDOUT;
}

/* The sockets to the privileged helper are none. */
static bool is_stream(int fd)
{
	socklen_t len = sizeof(int);
	int type;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM;
}

#define BEFORE_LIBC __attribute__((visibility("default")))

/* libc's own parameters have reserved names. */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
BEFORE_LIBC ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	struct rpc_connection *connection = rpc_connection_of(fd);
	ssize_t sent;

	if (connection)
		return rpc_stream_send(connection, message, flags);
	sent = rpc_libc_sendmsg(fd, message, flags);
	return sent < 0 && is_loss(errno) && is_stream(fd) ? rpc_libc_length(message) : sent;
}

BEFORE_LIBC ssize_t readv(int fd, const struct iovec *iovec, int count)
{
	struct rpc_connection *connection = rpc_connection_of(fd);
	enum rpc_reading reading;
	ssize_t got = 0;

	if (!connection)
		return rpc_libc_readv(fd, iovec, count);
	reading = rpc_stream_reading(connection);
	if (reading == RPC_READING_HELD) {
		errno = EAGAIN;
		return -1;
	}
	if (reading == RPC_READING_GOES_ON)
		got = rpc_libc_readv(fd, iovec, count);
	if (got > 0 && !rpc_stream_take(connection, iovec, (size_t)got))
		got = 0;
	if (got > 0 || (got < 0 && !is_loss(errno)) || rpc_stream_lost(connection))
		return got;
	errno = EAGAIN;
	return -1;
}

BEFORE_LIBC int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	struct rpc_connection *connection = rpc_connection_of(fd);

	if (!connection)
		return rpc_libc_epoll_ctl(epfd, op, fd, event);
	return connection->listens ? rpc_lobby_poll(connection, epfd, op, event)
				   : rpc_stream_poll(connection, epfd, op, event);
}

BEFORE_LIBC int listen(int fd, int n)
{
	/* nng's 128 overflow in a burst: over TCP a client then tries again after a second. */
	int r = rpc_libc_listen(fd, n < SOMAXCONN ? SOMAXCONN : n);

	if (r == 0)
		rpc_connections_listens(fd);
	return r;
}

BEFORE_LIBC int accept(int fd, struct sockaddr *addr, socklen_t *addr_len)
{
	struct rpc_connection *listener = rpc_connection_of(fd);

	return listener && listener->listens ? rpc_lobby_accept(listener)
					     : accept4(fd, addr, addr_len, 0);
}

BEFORE_LIBC int close(int fd)
{
	struct rpc_connection *connection = rpc_connection_of(fd);

	if (connection)
		rpc_connections_close(connection);
	return rpc_libc_close(fd);
}

BEFORE_LIBC int getsockopt(int fd, int level, int optname, void *optval, socklen_t *optlen)
{
	rpc_descriptor_asked(fd);
	return rpc_libc_getsockopt(fd, level, optname, optval, optlen);
}

BEFORE_LIBC int getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
	rpc_descriptor_asked(fd);
	return rpc_libc_getpeername(fd, addr, len);
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

/* By where the caller's code lies: the names that nng gives its threads it may be kept from giving,
 * as by vfiod's sandbox. A thread calls for nng always or never. */
static bool is_nng(const void *caller)
{
	static _Thread_local enum { UNKNOWN, NNG, OTHER } whose;
	Dl_info where;

	if (whose == UNKNOWN)
		whose = dladdr(caller, &where) != 0 && strstr(where.dli_fname, "/libnng.") ? NNG
											   : OTHER;
	return whose == NNG;
}

BEFORE_LIBC int epoll_wait(int fd, struct epoll_event *events, int maxevents, int timeout)
{
	int count = rpc_libc_epoll_wait(fd, events, maxevents, timeout);

	if (!is_nng(__builtin_return_address(0)))
		return count;
	for (int i = 0; i < count; i++) {
		uint32_t found = events[i].events;

		/* Without a pointer it is nng's own waker. */
		if ((found & EPOLLERR) && events[i].data.ptr)
			events[i].events = (found & ~(uint32_t)EPOLLERR) | EPOLLIN | EPOLLOUT;
	}
	return count;
}
