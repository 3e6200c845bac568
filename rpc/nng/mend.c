/* SPDX-License-Identifier: MIT */
/*
 * A cure for what nng 1.5 does when a connection is lost: here only a receive ever finds that out.
 *
 * Found by a send, the loss ends nng for good in two ways. During the handshake it is taken for the
 * end of the listener, which then accepts nobody any more: one connect-and-close over ipc:// is
 * enough. Later, nng closes the connection in the middle of a receive that it means to go on with;
 * going on is refused without a word, and its only thread for closing waits for that receive for
 * ever: each connection that ends from then on leaves its descriptor behind. A client that sends
 * requests and leaves without the replies is enough, over any transport.
 *
 * Found by a receive, the loss is what nng handles well, and there is always a receive, for nng
 * reads ahead. So functions of libc by which nng learns of losses stand here, before libc's own, in
 * every program with an nng socket. A send into a lost stream succeeds, as one did that was made a
 * moment earlier, or, over one of our connections, waits until that is closed; of those who send so
 * there is but nng. A poll that finds an error tells nng's own
 * thread to read and write, by which the error is found again, or not.
 *
 * A receive that finds the end, or a frame that is none, has nng close the connection likewise, and
 * hangs it in the same way when that is in the middle of a send. So to nng a send over one of our
 * connections is done as a whole or has not begun (rpc_connection_send).
 *
 * By the same functions the connections of our listeners are known from accept to close, and held
 * to what rpc/nng/connections.h says. Descriptors that are not theirs are left to libc.
 */
#include "rpc/nng/mend.h"

#include "rpc/nng/connection.h"
#include "rpc/nng/libc.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CLOSE_S = 2 };

/* Where this thread wants to know a descriptor that libc is asked about. */
static _Thread_local int *asked;

void rpc_mend(void)
{
}

static bool is_loss(int error)
{
	return error == EPIPE || error == ECONNRESET || error == ETIMEDOUT;
}

/* The hand's socket is none. */
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
		return rpc_connection_send(connection, message, flags);
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
	reading = rpc_connection_reading(connection);
	if (reading == RPC_READING_HELD) {
		errno = EAGAIN;
		return -1;
	}
	if (reading == RPC_READING_GOES_ON)
		got = rpc_libc_readv(fd, iovec, count);
	if (got > 0 || (got < 0 && !is_loss(errno)) || rpc_connection_lost(connection))
		return got;
	errno = EAGAIN;
	return -1;
}

BEFORE_LIBC int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	struct rpc_connection *connection = rpc_connection_of(fd);

	return connection ? rpc_connection_poll(connection, epfd, op, event)
			  : rpc_libc_epoll_ctl(epfd, op, fd, event);
}

BEFORE_LIBC int listen(int fd, int n)
{
	int r = rpc_libc_listen(fd, n);

	if (r == 0)
		rpc_connection_listens(fd);
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
		rpc_connection_close(connection);
	return rpc_libc_close(fd);
}

BEFORE_LIBC int getsockopt(int fd, int level, int optname, void *optval, socklen_t *optlen)
{
	if (asked)
		*asked = fd;
	return rpc_libc_getsockopt(fd, level, optname, optval, optlen);
}

BEFORE_LIBC int getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
	if (asked)
		*asked = fd;
	return rpc_libc_getpeername(fd, addr, len);
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

/* nng tells no descriptors, but has libc tell it who is behind one. */
int rpc_mend_descriptor(nng_pipe pipe)
{
	int descriptor = -1;
	nng_sockaddr address;
	uint64_t uid;

	asked = &descriptor;
	if (nng_pipe_get_uint64(pipe, NNG_OPT_IPC_PEER_UID, &uid) != 0)
		nng_pipe_get_addr(pipe, NNG_OPT_REMADDR, &address);
	asked = NULL;
	return descriptor;
}

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

/* Belongs to the closer until that is done, and then to the waiter, unless it has gone. */
struct closing {
	nng_socket socket;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool done;
	bool alone; /* nobody waits any more */
};

static void closing_free(struct closing *closing)
{
	pthread_cond_destroy(&closing->cond);
	pthread_mutex_destroy(&closing->lock);
	free(closing);
}

static void *closing_main(void *arg)
{
	struct closing *closing = arg;
	bool alone;

	nng_close(closing->socket);
	pthread_mutex_lock(&closing->lock);
	closing->done = true;
	alone = closing->alone;
	pthread_cond_signal(&closing->cond);
	pthread_mutex_unlock(&closing->lock);
	if (alone)
		closing_free(closing);
	return NULL;
}

static struct closing *closing_new(nng_socket socket)
{
	struct closing *closing = calloc(1, sizeof(*closing));
	pthread_condattr_t monotonic;

	if (!closing)
		return NULL;
	closing->socket = socket;
	pthread_mutex_init(&closing->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&closing->cond, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return closing;
}

static bool closing_wait(struct closing *closing)
{
	struct timespec until;
	bool done;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += CLOSE_S;
	pthread_mutex_lock(&closing->lock);
	while (!closing->done && r == 0)
		r = pthread_cond_timedwait(&closing->cond, &closing->lock, &until);
	done = closing->done;
	closing->alone = !done;
	pthread_mutex_unlock(&closing->lock);
	if (done)
		closing_free(closing);
	return done;
}

bool rpc_mend_close(nng_socket socket)
{
	struct closing *closing = closing_new(socket);
	pthread_t closer;

	if (!closing || pthread_create(&closer, NULL, closing_main, closing) != 0) {
		if (closing)
			closing_free(closing);
		nng_close(socket);
		return true;
	}
	pthread_detach(closer);
	return closing_wait(closing);
}
