/* SPDX-License-Identifier: MIT */
/* Calls libc's own functions where mend.c replaces them: as system calls, or by the sanitizer. */
#include "rpc/nng/libc.h"

#include <sys/syscall.h>
#include <unistd.h>

enum { KERNEL_SIGSET = 8 };

#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define ASK_SANITIZER
#endif
#endif

#ifdef ASK_SANITIZER
ssize_t __interceptor_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __interceptor_readv(int fd, const struct iovec *iov, int count);
int __interceptor_epoll_wait(int fd, struct epoll_event *events, int maxevents, int timeout);
int __interceptor_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event);
int __interceptor_listen(int fd, int backlog);
int __interceptor_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags);
int __interceptor_close(int fd);
#define ASK(name, number, ...) __interceptor_##name(__VA_ARGS__)
#else
#define ASK(name, number, ...) syscall(number, __VA_ARGS__)
#endif

ssize_t rpc_libc_sendmsg(int fd, const struct msghdr *message, int flags)
{
	return ASK(sendmsg, SYS_sendmsg, fd, message, flags);
}

ssize_t rpc_libc_readv(int fd, const struct iovec *iov, int count)
{
	return ASK(readv, SYS_readv, fd, iov, count);
}

int rpc_libc_epoll_wait(int fd, struct epoll_event *events, int maxevents, int timeout)
{
#ifdef ASK_SANITIZER
	return __interceptor_epoll_wait(fd, events, maxevents, timeout);
#else
	return (int)syscall(
		SYS_epoll_pwait, fd, events, maxevents, timeout, NULL, (size_t)KERNEL_SIGSET);
#endif
}

int rpc_libc_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
	return (int)ASK(epoll_ctl, SYS_epoll_ctl, epoll, op, fd, event);
}

int rpc_libc_listen(int fd, int backlog)
{
	return (int)ASK(listen, SYS_listen, fd, backlog);
}

int rpc_libc_accept(int fd, struct sockaddr *address, socklen_t *len)
{
	return (int)ASK(accept4, SYS_accept4, fd, address, len, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

int rpc_libc_close(int fd)
{
	return (int)ASK(close, SYS_close, fd);
}

int rpc_libc_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	return (int)syscall(SYS_getsockopt, fd, level, name, value, len);
}

int rpc_libc_getpeername(int fd, struct sockaddr *address, socklen_t *len)
{
	return (int)syscall(SYS_getpeername, fd, address, len);
}

ssize_t rpc_libc_length(const struct msghdr *message)
{
	size_t len = 0;

	for (size_t i = 0; i < message->msg_iovlen; i++)
		len += message->msg_iov[i].iov_len;
	return (ssize_t)len;
}
