/* SPDX-License-Identifier: MIT */
/* The daemon's side of the privileged helper. */
#include "core/helper/helper.h"

#include "core/base/clock.h"
#include "core/base/util.h"
#include "core/helper/channel.h"
#include "core/helper/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

struct helper {
	int fds[HELPER_WAYS]; /* the same one twice for an attached helper */
	pid_t pid;
};

struct helper *helper_attach(int fd)
{
	struct helper *helper = calloc(1, sizeof(*helper));

	if (helper)
		*helper = (struct helper){.fds = {fd, fd}};
	return helper;
}

static void close_pair(const int pair[2])
{
	close(pair[0]);
	close(pair[1]);
}

/* Makes a channel for each kind of command: the near ends, and the far ones. 0 or -errno. */
static int make_channels(int near[static HELPER_WAYS], int far[static HELPER_WAYS])
{
	int pairs[HELPER_WAYS][2];

	for (size_t i = 0; i < HELPER_WAYS; i++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pairs[i]) < 0) {
			int error = -errno;
			while (i-- > 0)
				close_pair(pairs[i]);
			return error;
		}
		near[i] = pairs[i][0];
		far[i] = pairs[i][1];
	}
	return 0;
}

int helper_fork(const struct helper_config *config, struct helper **ret)
{
	struct helper *helper = helper_attach(-1);
	int far[HELPER_WAYS] = {-1, -1};

	if (!helper)
		return -ENOMEM;
	int error = make_channels(helper->fds, far);
	if (error) {
		free(helper);
		return error;
	}
	pid_t pid = fork();
	if (pid == 0) {
		close_pair(helper->fds);
		_exit(helper_serve(far, config));
	}
	error = -errno;
	close_pair(far);
	if (pid < 0) {
		helper_free(helper);
		return error;
	}
	helper->pid = pid;
	*ret = helper;
	return 0;
}

int helper_fd(const struct helper *helper)
{
	return helper->fds[HELPER_WAY_CHANGE];
}

pid_t helper_pid(const struct helper *helper)
{
	return helper->pid;
}

void helper_free(struct helper *helper)
{
	if (!helper)
		return;
	for (size_t i = 0; i < HELPER_WAYS; i++) {
		if (i == 0 || helper->fds[i] != helper->fds[0])
			close(helper->fds[i]);
	}
	if (helper->pid > 0)
		waitpid(helper->pid, NULL, 0);
	free(helper);
}

/* Waits for events. 0, or -ETIMEDOUT. */
static int wait_for(int fd, short events, int64_t deadline)
{
	for (;;) {
		int64_t left = deadline - now_ns();
		struct pollfd p = {.fd = fd, .events = events};
		struct timespec ts = clock_timespec(left);

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

/* Sends it as soon as the channel takes it. 0, or a negative errno. */
static int send_until(int fd, const struct msghdr *msg, int64_t deadline)
{
	while (sendmsg(fd, msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		/* Short of memory or descriptors, the privileged helper is there all the same. */
		if (errno == ECONNRESET || errno == ENOTCONN || errno == EBADF || errno == EPIPE)
			return -EPIPE;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		int error = wait_for(fd, POLLOUT, deadline);
		if (error)
			return error == -ETIMEDOUT ? -ETIME : error;
	}
	return 0;
}

/* Sends the command and its addresses together with the reply channel's far end. */
static int send_request(int fd, const struct helper_request *request,
	const struct pci_address *addresses, int reply_fd, int64_t deadline)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec parts[] = {{.iov_base = (void *)request, .iov_len = sizeof(*request)},
		{.iov_base = (void *)addresses,
			.iov_len = request->n_addresses * sizeof(*addresses)}};
	struct msghdr msg = {
		.msg_iov = parts,
		.msg_iovlen = ARRAY_SIZE(parts),
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &reply_fd, sizeof(int));
	return send_until(fd, &msg, deadline);
}

/* Whether it was the privileged helper that died, and not just the child that had the command. When
 * both did, the end of the reply can be seen a little before that of the channel. */
static bool has_hung_up(const struct helper *helper)
{
	enum { SETTLE_MS = 200 };
	struct pollfd p = {.fd = helper_fd(helper)};

	return poll(&p, 1, SETTLE_MS) > 0 && (p.revents & (POLLHUP | POLLERR));
}

/* Sends the command. Returns the near end of its reply channel, or a negative errno. */
static int begin_call(struct helper *helper, const struct helper_request *request,
	const struct pci_address *addresses, int64_t deadline)
{
	int pair[2];

	/* What nobody would wait for must not be begun. */
	if (now_ns() >= deadline)
		return -ETIME;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	int error = send_request(
		helper->fds[helper_way_of(request->op)], request, addresses, pair[1], deadline);
	close(pair[1]); /* the child's copy is the only one left: its death is our end of file */
	if (!error)
		return pair[0];
	close(pair[0]);
	return error;
}

static int receive_reply(
	const struct helper *helper, int near, int64_t deadline, struct helper_reply *reply)
{
	int error = wait_for(near, POLLIN, deadline);

	if (error)
		return error;
	if (recv(near, reply, sizeof(*reply), MSG_DONTWAIT) != (ssize_t)sizeof(*reply))
		return has_hung_up(helper) ? -EPIPE : -ECHILD;
	return reply->error == EINPROGRESS ? -EINPROGRESS : 0;
}

int helper_call(struct helper *helper, const struct helper_request *request, int64_t deadline,
	struct helper_reply *reply)
{
	CLEANUP(fd_cleanup) int near = begin_call(helper, request, NULL, deadline);

	return near < 0 ? near : receive_reply(helper, near, deadline, reply);
}

static int append_holders(struct holders *all, const struct helper_reply *reply)
{
	for (uint32_t i = 0; i < reply->n_holders && i < HELPER_MAX_HOLDERS; i++) {
		if (!holders_add(all, &reply->holders[i]))
			return -ENOMEM;
	}
	all->is_truncated |= reply->truncated;
	return 0;
}

/* One look, of as many devices as one message may name. Appends to all. */
static int look_once(struct helper *helper, const struct helper_request *request,
	const struct pci_address *addresses, int64_t deadline, struct helper_reply *reply,
	struct holders *all)
{
	CLEANUP(fd_cleanup) int near = begin_call(helper, request, addresses, deadline);
	int error = near < 0 ? near : 0;

	if (error)
		return error;
	do {
		error = receive_reply(helper, near, deadline, reply);
		if (!error)
			error = append_holders(all, reply);
	} while (!error && reply->more);
	return error;
}

int helper_call_look(struct helper *helper, const struct helper_request *request,
	const struct pci_address *addresses, int64_t deadline, struct helper_reply *reply,
	struct holders *ret)
{
	CLEANUP(holders_clear) struct holders all = {0};
	struct helper_request part = *request;
	size_t left = request->n_addresses;
	int error;

	do {
		part.n_addresses = left < HELPER_MAX_DEVICES ? (uint32_t)left : HELPER_MAX_DEVICES;
		error = look_once(helper, &part, addresses, deadline, reply, &all);
		left -= part.n_addresses;
		addresses = left > 0 ? addresses + part.n_addresses : addresses;
	} while (!error && !reply->error && left > 0);
	if (error)
		return error;
	*ret = all;
	all = (struct holders){0};
	return 0;
}

int helper_no_answer(struct core_error *err, int rc, const char *doing)
{
	switch (rc) {
	case -ETIME:
		return core_fail(err, CORE_DEADLINE,
			"the request's time was up before %s could begin", doing);
	case -ETIMEDOUT:
		return core_fail(err, CORE_DEADLINE, "%s did not end in time; it may still", doing);
	case -EPIPE:
		return core_fail(err, CORE_UNAVAILABLE,
			"%s failed: the privileged process of vfiod ended; the service manager restarts vfiod, then try again",
			doing);
	case -ECHILD:
		return core_fail(err, CORE_INTERNAL,
			"%s failed: the process that did it ended without a whole answer; see the kernel's log, and try again",
			doing);
	case -HELPER_TOO_MANY:
		return core_fail(err, CORE_INTERNAL,
			"%s failed: too many earlier commands have not returned from the kernel; end the programs that have devices of theirs open",
			doing);
	default:
		return core_fail(err, CORE_INTERNAL, "%s failed: %s", doing, strerror(-rc));
	}
}
