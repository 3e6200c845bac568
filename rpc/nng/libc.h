/* SPDX-License-Identifier: MIT */
/*
 * libc's own functions, for those of ours that stand before them (rpc/nng/mend.c).
 *
 * The thread sanitizer learns from some of them which thread hands what to which; it stands before
 * libc as well, and has to be asked by its own names.
 */
#pragma once

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Each as the function of libc whose name it bears; accept returns what is non-blocking and closed
 * on exec. */
ssize_t rpc_libc_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t rpc_libc_readv(int fd, const struct iovec *iov, int count);
int rpc_libc_epoll_wait(int fd, struct epoll_event *events, int maxevents, int timeout);
int rpc_libc_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event);
int rpc_libc_listen(int fd, int backlog);
int rpc_libc_accept(int fd, struct sockaddr *address, socklen_t *len);
int rpc_libc_close(int fd);
int rpc_libc_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int rpc_libc_getpeername(int fd, struct sockaddr *address, socklen_t *len);

/* The bytes of a message. */
ssize_t rpc_libc_length(const struct msghdr *message);
