/* SPDX-License-Identifier: MIT */
/*
 * A cure for what nng 1.5 does when a send finds its connection lost; here it only ever finds out
 * by a receive.
 *
 * Found by a send (EPIPE), the loss ends nng for good in two ways. During the handshake, nng takes
 * it for the end of the listener, which then accepts nobody any more: one connect-and-close over
 * ipc:// is enough. Later, nng closes the connection in the middle of a receive that it goes on
 * with, and its only thread for closing waits for that receive for ever: each connection that ends
 * from then on leaves its descriptor behind. A client that sends some requests and leaves without
 * the replies is enough, over any transport.
 *
 * Found by a receive, the loss is what nng handles well, and there is always a receive: nng reads
 * ahead. So this stands before libc's sendmsg, which is how nng sends, and lets sends into a lost
 * stream succeed, as those do that were made a moment earlier. Of other users there is none but the
 * hand's, whose socket is no stream and is left alone.
 */
#include "rpc/mend.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

void rpc_mend(void)
{
}

static bool is_loss(int error)
{
	return error == EPIPE || error == ECONNRESET || error == ETIMEDOUT;
}

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
	ssize_t sent = syscall(SYS_sendmsg, fd, message, flags);
	int error = errno;

	if (sent >= 0 || !is_loss(error))
		return sent;
	if (is_stream(fd))
		return length(message);
	errno = error;
	return sent;
}
