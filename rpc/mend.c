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
 * reads ahead. So two functions of libc by which nng learns of losses stand here, before libc's
 * own, in every program with an nng socket. A send into a lost stream succeeds, as one did that was
 * made a moment earlier; of those who send so there is but nng. And a poll that finds an error
 * tells nng's own thread to read and write, by which the error is found again, or not.
 */
#include "rpc/mend.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { CLOSE_S = 2, KERNEL_SIGSET = 8 };

/* The thread sanitizer learns from these two which thread hands what to which; it stands before
 * libc as well, and has to be asked by its own names. */
#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define ASK_SANITIZER
ssize_t __interceptor_sendmsg(int fd, const struct msghdr *message, int flags);
int __interceptor_epoll_wait(int fd, struct epoll_event *events, int maxevents, int timeout);
#endif
#endif

static ssize_t libc_sendmsg(int fd, const struct msghdr *message, int flags)
{
#ifdef ASK_SANITIZER
	return __interceptor_sendmsg(fd, message, flags);
#else
	return syscall(SYS_sendmsg, fd, message, flags);
#endif
}

static int libc_epoll_wait(int fd, struct epoll_event *events, int maxevents, int timeout)
{
#ifdef ASK_SANITIZER
	return __interceptor_epoll_wait(fd, events, maxevents, timeout);
#else
	return (int)syscall(
		SYS_epoll_pwait, fd, events, maxevents, timeout, NULL, (size_t)KERNEL_SIGSET);
#endif
}

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

static ssize_t length(const struct msghdr *message)
{
	size_t len = 0;

	for (size_t i = 0; i < message->msg_iovlen; i++)
		len += message->msg_iov[i].iov_len;
	return (ssize_t)len;
}

__attribute__((visibility("default"))) ssize_t sendmsg(
	int fd, const struct msghdr *message, int flags)
{
	ssize_t sent = libc_sendmsg(fd, message, flags);
	int error = errno;

	if (sent >= 0 || !is_loss(error))
		return sent;
	if (is_stream(fd))
		return length(message);
	errno = error;
	return sent;
}

static bool is_nng_thread(void)
{
	static _Thread_local enum { UNKNOWN, NNG, OTHER } whose;
	char name[16] = "";

	if (whose == UNKNOWN) {
		pthread_getname_np(pthread_self(), name, sizeof(name));
		whose = strncmp(name, "nng:poll", 8) == 0 ? NNG : OTHER;
	}
	return whose == NNG;
}

__attribute__((visibility("default"))) int epoll_wait(
	int fd, struct epoll_event *events, int maxevents, int timeout)
{
	int count = libc_epoll_wait(fd, events, maxevents, timeout);

	if (!is_nng_thread())
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
