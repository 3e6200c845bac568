/* SPDX-License-Identifier: MIT */
/*
 * The hand's process: takes a command, checks it as if an enemy had sent it, and has a child do it.
 *
 * What it should: hold no thread, no library that parses, nothing of a client's text.
 * What it must not: believe main. Addresses come as numbers, names are checked for their letters
 * and must be a driver that exists, and bridges are refused here whatever main thought.
 */
#include "core/hand_internal.h"
#include "core/holders.h"
#include "core/util.h"
#include "core/vfio_node.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

static int node_holders(const struct hand_service *s, struct pci_address address,
	struct hand_reply *reply, struct holders *holders)
{
	struct nodes nodes;

	nodes_find(s->sysfs.root_fd, address, &nodes);
	if (nodes.is_incomplete)
		return E2BIG;
	reply->claimed = nodes_claimed(s->sysfs.root_fd, &nodes);
	reply->console = nodes_match(&nodes, "/dev/fb0") && nodes_show_console(s->sysfs.root_fd);
	return holders_of_nodes(&s->sysfs, &nodes, holders);
}

static int run(const struct hand_service *s, const struct hand_request *request,
	struct hand_reply *reply, struct holders *holders)
{
	switch ((enum hand_op)request->op) {
	case HAND_OVERRIDE_GET:
		return hand_write_override_get(
			s, request->address, reply->text, sizeof(reply->text));
	case HAND_OVERRIDE_SET:
		return hand_write_override(s, request);
	case HAND_UNBIND:
		return hand_write_unbind(s, request);
	case HAND_BIND:
		return hand_write_bind(s, request);
	case HAND_PROBE:
		return hand_write_probe(s, request);
	case HAND_LOAD:
		return hand_write_load(s, request->name);
	case HAND_HOLDERS:
		return holders_of_vfio(&s->sysfs, holders);
	case HAND_MAPPINGS:
		return holders_of_mappings(&s->sysfs, holders);
	case HAND_NODE_HOLDERS:
		return node_holders(s, request->address, reply, holders);
	case HAND_NODE_SET:
		return vfio_node_set(&s->sysfs, request->address, &request->access);
	case HAND_OP_COUNT:
		break;
	}
	return EINVAL;
}

bool hand_changes_device(uint32_t op)
{
	return op == HAND_OVERRIDE_SET || op == HAND_UNBIND || op == HAND_BIND || op == HAND_PROBE;
}

/* Takes the device's lock, which the kernel gives back when the child ends, however it ends. A lock
 * of the open file description and no flock: whether one is held can then be asked without taking
 * it, and a question never gets in a writer's way. Returns a descriptor that holds it, or a
 * negative errno. */
static int lock_device(const struct hand_service *s, struct pci_address address)
{
	char name[PCI_ADDRESS_SIZE];
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	pci_address_format(address, name);
	CLEANUP(fd_cleanup)
	int fd = openat(s->lock_fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_OFD_SETLK, &lock) < 0)
		return errno == EAGAIN || errno == EACCES ? -EINPROGRESS : -errno;
	int held = fd;
	fd = -1;
	return held;
}

static bool main_is_gone(const struct hand_service *s)
{
	struct pollfd p = {.fd = s->channel};

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR));
}

/* The lock is given back before the answer goes out: the next command for the device may come
 * before this child has ended. */
static int check_and_run(const struct hand_service *s, const struct hand_request *request,
	struct hand_reply *reply, struct holders *holders)
{
	CLEANUP(fd_cleanup) int lock = -1;

	int error = hand_judge(s, request);
	if (error)
		return error;
	if (hand_changes_device(request->op)) {
		lock = lock_device(s, request->address);
		if (lock < 0)
			return -lock;
		/* A main that is started from here on finds the lock. One that was started before
		 * may have repaired everything already, and nothing may be written after that. */
		if (main_is_gone(s))
			return ECANCELED;
	}
	close(s->channel); /* with a copy left in a blocked write, the hand's end would go unseen */
	return run(s, request, reply, holders);
}

/* A write that blocks lives on after the daemon; it must not keep the daemon's terminal, log pipe
 * or anything else open for whoever waits for their end. */
static void let_go_of_stdio(void)
{
	CLEANUP(fd_cleanup) int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; null >= 0 && fd <= 2; fd++)
		dup2(null, fd);
}

/* Sends the answer, in as many messages as it has holders for. Nobody may be waiting any more; what
 * was to be done is done all the same. */
static void answer(int reply_fd, struct hand_reply *reply, const struct holders *holders)
{
	size_t sent = 0;

	reply->truncated = holders->is_truncated;
	do {
		size_t left = holders->count - sent;

		reply->n_holders = left < HAND_MAX_HOLDERS ? (uint32_t)left : HAND_MAX_HOLDERS;
		for (uint32_t i = 0; i < reply->n_holders; i++)
			reply->holders[i] = holders->items[sent + i];
		sent += reply->n_holders;
		reply->more = sent < holders->count;
	} while (send(reply_fd, reply, sizeof(*reply), MSG_NOSIGNAL) > 0 && reply->more);
}

/* The child's whole life. */
static void serve_one(
	const struct hand_service *s, const struct hand_request *request, int reply_fd)
{
	CLEANUP(holders_clear) struct holders holders = {0};
	struct hand_reply reply = {0};

	/* Reading an override takes the device's lock too, and so can block as long. */
	if (hand_changes_device(request->op) || request->op == HAND_OVERRIDE_GET)
		let_go_of_stdio();
	reply.error = check_and_run(s, request, &reply, &holders);
	answer(reply_fd, &reply, &holders);
}

/* Takes one command and its reply channel. 1; 0 when main is gone; -1 for what is no command. */
static int receive(int fd, struct hand_request *request, int *ret_reply_fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = request, .iov_len = sizeof(*request)};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t n;

	do
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return 0;
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	if (!cmsg || cmsg->cmsg_type != SCM_RIGHTS || cmsg->cmsg_len != CMSG_LEN(sizeof(int)))
		return -1;
	memcpy(ret_reply_fd, CMSG_DATA(cmsg), sizeof(int));
	if ((size_t)n != sizeof(*request) || msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		close(*ret_reply_fd);
		return -1;
	}
	request->name[sizeof(request->name) - 1] = '\0';
	return 1;
}

/* Keeps the two descriptors and stdio; the daemon's listeners above all must not live on in an
 * abandoned write, which would keep their addresses taken. */
static int keep_only(int fds[static 2])
{
	int first = fcntl(fds[0], F_DUPFD_CLOEXEC, 5), second = fcntl(fds[1], F_DUPFD_CLOEXEC, 5);

	if (first < 0 || second < 0 || dup3(first, 3, O_CLOEXEC) < 0 ||
		dup3(second, 4, O_CLOEXEC) < 0)
		return -1;
	fds[0] = 3;
	fds[1] = 4;
	return close_range(5, ~0U, 0);
}

int hand_serve(int channel, const struct hand_config *config)
{
	int fds[2] = {channel, config->lock_fd};
	if (keep_only(fds) < 0)
		return EXIT_FAILURE;
	int fd = fds[0];
	struct hand_service s = {.channel = fd, .lock_fd = fds[1], .config = config};
	struct hand_request request;
	int reply_fd, got;

	/* SIGINT and SIGTERM are for main: closing the channel is what ends the hand, so that a
	 * change under way is not cut off from the part that would undo it. Children are reaped by
	 * the kernel. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	prctl(PR_SET_DUMPABLE, 0);
	if (sysfs_open(&s.sysfs, config->root) < 0 ||
		(config->confine && config->confine(config->confine_arg) < 0))
		return EXIT_FAILURE;
	s.is_real = sysfs_is_real(&s.sysfs);
	while ((got = receive(fd, &request, &reply_fd)) != 0) {
		if (got < 0)
			continue;
		if (fork() == 0) {
			serve_one(&s, &request, reply_fd);
			_exit(EXIT_SUCCESS);
		}
		close(reply_fd);
	}
	sysfs_close(&s.sysfs);
	return EXIT_SUCCESS;
}
