/* SPDX-License-Identifier: MIT */
/* The daemon's side of the hand. */
#include "core/hand.h"
#include "core/holders.h"
#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

struct hand {
	int fd;
	pid_t pid;
};

struct hand *hand_attach(int fd)
{
	struct hand *hand = calloc(1, sizeof(*hand));

	if (hand)
		hand->fd = fd;
	return hand;
}

int hand_fork(const struct hand_config *config, struct hand **ret)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	struct hand *hand = hand_attach(pair[0]);
	pid_t pid = hand ? fork() : -1;
	if (pid == 0) {
		close(pair[0]);
		_exit(hand_serve(pair[1], config));
	}
	close(pair[1]);
	if (pid < 0) {
		int error = hand ? -errno : -ENOMEM;
		hand_free(hand);
		return error;
	}
	hand->pid = pid;
	*ret = hand;
	return 0;
}

int hand_fd(const struct hand *hand)
{
	return hand->fd;
}

pid_t hand_pid(const struct hand *hand)
{
	return hand->pid;
}

void hand_free(struct hand *hand)
{
	if (!hand)
		return;
	close(hand->fd);
	if (hand->pid > 0)
		waitpid(hand->pid, NULL, 0);
	free(hand);
}

/* Sends the command together with the reply channel's far end. */
static int send_request(int fd, const struct hand_request *request, int reply_fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {.iov_base = (void *)request, .iov_len = sizeof(*request)};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &reply_fd, sizeof(int));
	if (sendmsg(fd, &msg, MSG_NOSIGNAL) >= 0)
		return 0;
	/* Short of memory or descriptors, the hand is there all the same. */
	return errno == ECONNRESET || errno == ENOTCONN || errno == EBADF ? -EPIPE : -errno;
}

/* Waits until there is something to read. 0, or -ETIMEDOUT. */
static int wait_readable(int fd, int64_t deadline)
{
	for (;;) {
		int64_t left = deadline - now_ns();
		struct pollfd p = {.fd = fd, .events = POLLIN};
		struct timespec ts = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};

		if (left <= 0)
			return -ETIMEDOUT;
		int n = ppoll(&p, 1, &ts, NULL);
		if (n > 0)
			return 0;
		if (n == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

/* Whether it was the hand that died, and not just the child that had the command. When both did,
 * the end of the reply can be seen a little before that of the channel. */
static bool has_hung_up(const struct hand *hand)
{
	enum { SETTLE_MS = 200 };
	struct pollfd p = {.fd = hand->fd};

	return poll(&p, 1, SETTLE_MS) > 0 && (p.revents & (POLLHUP | POLLERR));
}

/* Sends the command. Returns the near end of its reply channel, or a negative errno. */
static int begin_call(struct hand *hand, const struct hand_request *request, int64_t deadline)
{
	int pair[2];

	/* What nobody would wait for must not be begun. */
	if (now_ns() >= deadline)
		return -ETIME;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	int error = send_request(hand->fd, request, pair[1]);
	close(pair[1]); /* the child's copy is the only one left: its death is our end of file */
	if (!error)
		return pair[0];
	close(pair[0]);
	return error;
}

static int receive_reply(
	const struct hand *hand, int near, int64_t deadline, struct hand_reply *reply)
{
	int error = wait_readable(near, deadline);

	if (error)
		return error;
	if (recv(near, reply, sizeof(*reply), 0) != (ssize_t)sizeof(*reply))
		return has_hung_up(hand) ? -EPIPE : -ECHILD;
	return reply->error == EINPROGRESS ? -EINPROGRESS : 0;
}

int hand_call(struct hand *hand, const struct hand_request *request, int64_t deadline,
	struct hand_reply *reply)
{
	CLEANUP(fd_cleanup) int near = begin_call(hand, request, deadline);

	return near < 0 ? near : receive_reply(hand, near, deadline, reply);
}

static int append(struct holders *all, const struct hand_reply *reply)
{
	for (uint32_t i = 0; i < reply->n_holders && i < HAND_MAX_HOLDERS; i++) {
		if (!holders_add(all, &reply->holders[i]))
			return -ENOMEM;
	}
	all->is_truncated |= reply->truncated;
	return 0;
}

int hand_call_holders(struct hand *hand, const struct hand_request *request, int64_t deadline,
	struct hand_reply *reply, struct holders *ret)
{
	CLEANUP(fd_cleanup) int near = begin_call(hand, request, deadline);
	CLEANUP(holders_clear) struct holders all = {0};
	int error = near < 0 ? near : 0;

	if (!error) {
		do {
			error = receive_reply(hand, near, deadline, reply);
			if (!error)
				error = append(&all, reply);
		} while (!error && reply->more);
	}
	if (error)
		return error;
	*ret = all;
	all = (struct holders){0};
	return 0;
}

bool hand_is_pending(int lock_fd, struct pci_address address)
{
	char name[PCI_ADDRESS_SIZE];
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	pci_address_format(address, name);
	CLEANUP(fd_cleanup) int fd = openat(lock_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}
