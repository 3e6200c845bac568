/* SPDX-License-Identifier: MIT */
/*
 * What comes and goes over the privileged helper's channel, as if an enemy sat at the other end.
 *
 * What it should: take exactly what main sends, and leave nothing of anything else open.
 * What it must not: wait for main, or write to a socket that main has from somebody else, in whose
 * eyes the message would be root's.
 */
#include "core/helper/channel.h"

#include "core/base/clock.h"
#include "core/base/util.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const int64_t ANSWER_NS = 2 * NS_PER_S; /* for main to read a long answer */

/* A reply that came to our own channel must not be a command there. */
static_assert(sizeof(struct helper_reply) < sizeof(struct helper_request) ||
		      (sizeof(struct helper_reply) - sizeof(struct helper_request)) %
				      sizeof(struct pci_address) !=
			      0,
	"they are told by size");

bool helper_only_reads(uint32_t op)
{
	return op == HELPER_OVERRIDE_GET || helper_way_of(op) == HELPER_WAY_LOOK;
}

/* Reading an override waits for the device's lock as a write does. */
enum helper_way helper_way_of(uint32_t op)
{
	return op == HELPER_HOLDERS || op == HELPER_MAPPINGS || op == HELPER_NODE_HOLDERS ||
			       op == HELPER_KERNEL_USE || op == HELPER_DISKS
		       ? HELPER_WAY_LOOK
		       : HELPER_WAY_CHANGE;
}

bool helper_has_hung_up(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLRDHUP};

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLRDHUP | POLLERR | POLLNVAL));
}

static bool option_is(int fd, int option, int wanted)
{
	int value;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 && value == wanted;
}

static bool is_our_channel(const struct helper_service *s, int fd)
{
	struct stat theirs, ours;

	if (fstat(fd, &theirs) < 0)
		return true;
	for (size_t i = 0; i < HELPER_WAYS; i++) {
		if (fstat(s->channels[i], &ours) < 0 ||
			(ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino))
			return true;
	}
	return false;
}

/* Whether the descriptor is what helper_call makes: one end of a socket pair of main's. */
static bool is_reply_socket(const struct helper_service *s, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return option_is(fd, SO_DOMAIN, AF_UNIX) && option_is(fd, SO_TYPE, SOCK_SEQPACKET) &&
	       option_is(fd, SO_ACCEPTCONN, 0) &&
	       getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       peer.pid == s->main_pid && !is_our_channel(s, fd);
}

/* Takes the one descriptor of a message; with more, all are closed. -1 when there was not one. */
static int take_descriptor(struct msghdr *msg)
{
	int kept = -1, fd;
	size_t n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = CMSG_LEN(0); at + sizeof(fd) <= c->cmsg_len; at += sizeof(fd)) {
			memcpy(&fd, (const char *)c + at, sizeof(fd));
			if (n++ == 0)
				kept = fd;
			else
				close(fd);
		}
	}
	if (n > 1)
		close(kept);
	return n == 1 ? kept : -1;
}

/* A bool that is neither true nor false may be taken for both. */
static bool is_bool(const bool *b)
{
	return *(const unsigned char *)b <= 1;
}

static bool is_address(struct pci_address address)
{
	return address.slot <= 0x1f && address.function <= 7;
}

/* Whether the command has as many addresses as it may have, and each can be one. */
static bool addresses_are_sound(const struct helper_command *c)
{
	uint32_t n = c->request.n_addresses;

	for (uint32_t i = 0; i < n; i++) {
		if (!is_address(c->addresses[i]))
			return false;
	}
	return c->request.op == HELPER_NODE_HOLDERS || n == (c->request.op == HELPER_KERNEL_USE);
}

/* Whether every field has a value that it can have; what is meant by them is for the judge. */
static bool is_sound(const struct helper_command *c, enum helper_way way)
{
	const struct helper_request *r = &c->request;

	return r->op < HELPER_OP_COUNT && helper_way_of(r->op) == way &&
	       memchr(r->name, '\0', sizeof(r->name)) && is_address(r->address) &&
	       is_bool(&r->access.has_uid) && is_bool(&r->access.has_gid) &&
	       is_bool(&r->access.has_mode) && addresses_are_sound(c);
}

/* Of the message that came: a command, or nothing. The descriptor is the command's. */
static enum helper_got channel_check(const struct helper_service *s, enum helper_way way,
	bool is_whole, const struct helper_command *command)
{
	if (command->reply_fd < 0)
		return HELPER_GOT_NOTHING;
	if (is_whole && is_reply_socket(s, command->reply_fd)) {
		if (is_sound(command, way))
			return HELPER_GOT_COMMAND;
		helper_answer_error(command->reply_fd, EINVAL);
	}
	close(command->reply_fd);
	return HELPER_GOT_NOTHING;
}

enum helper_got helper_receive(
	const struct helper_service *s, enum helper_way way, struct helper_command *ret)
{
	/* On 64 bit there is room for two even where one is asked for: more than one must be seen.
	 * What does not fit, the kernel closes. */
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} control;
	struct iovec parts[] = {{.iov_base = &ret->request, .iov_len = sizeof(ret->request)},
		{.iov_base = ret->addresses, .iov_len = sizeof(ret->addresses)}};
	struct msghdr msg = {
		.msg_iov = parts,
		.msg_iovlen = ARRAY_SIZE(parts),
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t n;

	do
		n = recvmsg(s->channels[way], &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == ENOMEM || errno == ENOBUFS ? HELPER_GOT_NOTHING
									      : HELPER_GOT_END;
	ret->reply_fd = take_descriptor(&msg);
	/* An empty message looks like the end, and is none. */
	if (n == 0 && ret->reply_fd < 0 && helper_has_hung_up(s->channels[way]))
		return HELPER_GOT_END;
	bool is_whole = (size_t)n >= sizeof(ret->request) &&
			(size_t)n - sizeof(ret->request) ==
				(uint64_t)ret->request.n_addresses * sizeof(*ret->addresses) &&
			!(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC));

	return channel_check(s, way, is_whole, ret);
}

/* Sends one message, waiting at most until then. 0 or -1. */
static int send_until(int fd, const struct helper_reply *reply, int64_t until)
{
	while (send(fd, reply, sizeof(*reply), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		struct pollfd p = {.fd = fd, .events = POLLOUT};
		int64_t left = (until - now_ns()) / NS_PER_MS;

		if ((errno != EAGAIN && errno != EINTR) || left <= 0)
			return -1;
		poll(&p, 1, (int)left);
	}
	return 0;
}

void helper_answer(int reply_fd, struct helper_reply *reply, const struct holders *holders)
{
	int64_t until = now_ns() + ANSWER_NS;
	size_t sent = 0;

	reply->truncated = holders->is_truncated;
	do {
		size_t left = holders->count - sent;

		reply->n_holders = left < HELPER_MAX_HOLDERS ? (uint32_t)left : HELPER_MAX_HOLDERS;
		for (uint32_t i = 0; i < reply->n_holders; i++)
			reply->holders[i] = holders->items[sent + i];
		sent += reply->n_holders;
		reply->more = sent < holders->count;
	} while (send_until(reply_fd, reply, until) == 0 && reply->more);
}

void helper_answer_error(int reply_fd, int error)
{
	struct helper_reply reply = {.error = error};

	send_until(reply_fd, &reply, 0);
}
