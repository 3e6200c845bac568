/* SPDX-License-Identifier: MIT */
/* Reads and sends of a connection, as nng is to see them (mend.c). */
#include "rpc/nng/stream.h"

#include "core/base/clock.h"
#include "rpc/nng/libc.h"
#include "rpc/nng/turns.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

enum {
	IOVS_MAX = 16,	      /* nng's messages have fewer pieces */
	LOST_NS = 1000000000, /* for nng to begin with a reply, which takes it microseconds */
};

static bool is_hung_up(int fd)
{
	struct pollfd end = {.fd = fd};

	return poll(&end, 1, 0) > 0;
}

/* Whether its holder has no turn left for it. */
static bool stream_is_crowded(struct rpc_connection *c)
{
	bool crowded;

	if (!rpc_turns_are_taken(c->table))
		return false;
	pthread_mutex_lock(&c->table->lock);
	crowded = c->holder && !rpc_turns_may_read(c);
	atomic_store(&c->crowded, crowded);
	pthread_mutex_unlock(&c->table->lock);
	return crowded;
}

enum rpc_reading rpc_stream_reading(struct rpc_connection *c)
{
	if (atomic_load(&c->gone) || atomic_load(&c->mute))
		return RPC_READING_ENDS;
	if (!atomic_load(&c->blocked) && !stream_is_crowded(c))
		return RPC_READING_GOES_ON;
	return is_hung_up(c->fd) ? RPC_READING_ENDS : RPC_READING_HELD;
}

/* nng loses the memory of a reply that it is given, or begins to send behind another, while it
 * closes the connection. So it hears of the end when none is being given, and the next one, if any,
 * has been begun and waits; and is given none from then on (rpc_connections_hand). */
bool rpc_stream_lost(struct rpc_connection *c)
{
	bool tell;

	pthread_mutex_lock(&c->table->lock);
	rpc_connection_gone(c);
	if (c->lost_ns == 0)
		c->lost_ns = now_ns();
	tell = c->handing == 0 && (atomic_load(&c->given) == 0 || atomic_load(&c->parked) ||
					  now_ns() - c->lost_ns > LOST_NS);
	pthread_mutex_unlock(&c->table->lock);
	return tell;
}

/* nng closes a connection that breaks the framing itself, and loses the memory of a reply that it
 * is given meanwhile. So that one ends like a lost one. TLS hides the framing. */
bool rpc_stream_take(struct rpc_connection *c, const struct iovec *iovec, size_t got)
{
	bool good = true;

	c->frames.whole = 0;
	for (; c->plain && good && got > 0; iovec++) {
		size_t len = got < iovec->iov_len ? got : iovec->iov_len;

		good = rpc_frames_take(&c->frames, iovec->iov_base, len);
		got -= len;
	}
	if (good && c->frames.whole == 0)
		return true;
	pthread_mutex_lock(&c->table->lock);
	if (!good)
		rpc_connection_dismiss(c);
	for (unsigned i = 0; good && c->holder && i < c->frames.whole; i++)
		rpc_turns_read(c);
	pthread_mutex_unlock(&c->table->lock);
	return good;
}

/* True: somebody has to be told. The lock is held. */
static bool stream_block(struct rpc_connection *c)
{
	if (atomic_load(&c->blocked) || atomic_load(&c->gone))
		return false;
	atomic_store(&c->blocked, true);
	c->blocked_ns = c->progress_ns = now_ns();
	return c->table->blocked++ == 0 && !c->table->freed && c->table->wake;
}

static void stream_unblock(struct rpc_connection *c)
{
	if (!atomic_load(&c->blocked))
		return;
	if (!atomic_load(&c->gone))
		c->table->blocked--;
	atomic_store(&c->blocked, false);
	rpc_connection_release(c);
}

/* A message has been sent, or there was no room for the rest of it. */
static void note_sent(struct rpc_connection *c, bool all)
{
	bool tell = false;

	if (all && !atomic_load(&c->blocked))
		return;
	pthread_mutex_lock(&c->table->lock);
	if (all)
		stream_unblock(c);
	else
		tell = stream_block(c);
	pthread_mutex_unlock(&c->table->lock);
	if (tell)
		c->table->wake(c->table->wake_arg);
}

static void note_progress(struct rpc_connection *c, ssize_t sent)
{
	if (sent <= 0)
		return;
	c->sent += (size_t)sent;
	if (!atomic_load(&c->blocked))
		return;
	pthread_mutex_lock(&c->table->lock);
	c->progress_ns = now_ns();
	pthread_mutex_unlock(&c->table->lock);
}

/* What is left of a message of which so much has been sent; the number of its pieces. */
static size_t rest_of(const struct msghdr *message, size_t sent, struct iovec rest[IOVS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < message->msg_iovlen && count < IOVS_MAX; i++) {
		struct iovec piece = message->msg_iov[i];
		size_t done = sent < piece.iov_len ? sent : piece.iov_len;

		sent -= done;
		piece.iov_base = (char *)piece.iov_base + done;
		piece.iov_len -= done;
		if (piece.iov_len > 0)
			rest[count++] = piece;
	}
	return count;
}

static ssize_t stream_send_nothing(struct rpc_connection *c, const struct msghdr *message)
{
	bool greets, tell;

	pthread_mutex_lock(&c->table->lock);
	greets = c->pipe == 0;
	tell = !greets && !atomic_load(&c->mute) && c->table->wake;
	/* If it succeeded, nng would begin with the next reply, and lose the memory of that one
	 * when it closes the connection at the same time. */
	atomic_store(&c->mute, !greets);
	atomic_store(&c->parked, !greets);
	c->table->has_mute |= tell;
	pthread_mutex_unlock(&c->table->lock);
	shutdown(c->fd, SHUT_RDWR); /* a receive is to find it lost, not this */
	if (greets)		    /* and the receive has yet to begin */
		return rpc_libc_length(message);
	if (tell)
		c->table->wake(c->table->wake_arg);
	errno = EAGAIN;
	return -1;
}

/* A whole message: of a reply, or before any of those the greeting. */
static ssize_t stream_sent(struct rpc_connection *c, const struct msghdr *message)
{
	c->sent = 0;
	if (atomic_load(&c->given) > 0)
		atomic_fetch_sub(&c->given, 1);
	return rpc_libc_length(message);
}

/* Whether a message to a lost connection is to pass for sent. */
static bool stream_passes(struct rpc_connection *c)
{
	return atomic_load(&c->mute) && atomic_exchange(&c->passes, false);
}

void rpc_stream_pass(struct rpc_connection *c)
{
	bool reads = c->mute_wanted.events & EPOLLIN;

	if (c->mute_epoll < 0 || reads)
		return;
	atomic_store(&c->passes, true);
	rpc_libc_epoll_ctl(c->mute_epoll, EPOLL_CTL_MOD, c->fd, &c->mute_wanted);
}

/* A message of which nng believes that nothing was sent it sends again from its start, or, once the
 * connection is being closed, never. Of one that it knows half of, it can close the connection in
 * between: to go on is then refused without a completion (rpc/nng/mend.c). */
ssize_t rpc_stream_send(struct rpc_connection *c, const struct msghdr *message, int flags)
{
	struct iovec rest[IOVS_MAX];
	struct msghdr part = {.msg_iov = rest};
	ssize_t sent;

	/* Before it is looked at whether anybody is there: see rpc_stream_lost. */
	atomic_store(&c->parked, false);
	if (stream_passes(c))
		return stream_sent(c, message);
	if (atomic_load(&c->gone))
		return stream_send_nothing(c, message);
	part.msg_iovlen = rest_of(message, c->sent, rest);
	sent = rpc_libc_sendmsg(c->fd, &part, flags);
	if (sent < 0 && errno != EAGAIN)
		return errno == EINTR ? -1 : stream_send_nothing(c, message);
	note_progress(c, sent);
	if (rest_of(message, c->sent, rest) > 0) {
		note_sent(c, false);
		atomic_store(&c->parked, true);
		errno = EAGAIN;
		return -1;
	}
	note_sent(c, true);
	return stream_sent(c, message);
}

/* Whether it is not to be told that there is something to read. One that has hung up is, or its
 * epoll would tell of nothing else. The lock is held. */
static bool stream_holds(struct rpc_connection *c)
{
	bool blocked = atomic_load(&c->blocked);

	if (!c->holder)
		return false;
	rpc_turns_return(c);
	atomic_store(&c->crowded, !blocked && !rpc_turns_wait(c));
	return atomic_load(&c->crowded) || (blocked && !is_hung_up(c->fd));
}

static int stream_arm(struct rpc_connection *c, int epoll, struct epoll_event *event)
{
	struct epoll_event less = *event;

	c->epoll = -1;
	if (!(event->events & EPOLLIN) || !stream_holds(c))
		return rpc_libc_epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, event);
	c->epoll = epoll;
	c->wanted = *event;
	less.events &= ~(uint32_t)EPOLLIN;
	return rpc_libc_epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &less);
}

/* What is hung up on is always ready: to wait for anything but a receive would be to turn round and
 * round. */
static int stream_poll_mute(struct rpc_connection *c, int epoll, const struct epoll_event *event)
{
	struct epoll_event less = *event;

	pthread_mutex_lock(&c->table->lock);
	c->mute_epoll = epoll;
	c->mute_wanted = *event;
	pthread_mutex_unlock(&c->table->lock);
	less.events &= ~(uint32_t)EPOLLOUT;
	return (event->events & EPOLLIN) ? rpc_libc_epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &less)
					 : 0;
}

int rpc_stream_poll(struct rpc_connection *c, int epoll, int op, struct epoll_event *event)
{
	int r;

	if (op == EPOLL_CTL_MOD && atomic_load(&c->mute))
		return stream_poll_mute(c, epoll, event);
	if (op == EPOLL_CTL_MOD && !atomic_load(&c->blocked) && !atomic_load(&c->crowded) &&
		!atomic_load(&c->has_turn))
		return rpc_libc_epoll_ctl(epoll, op, c->fd, event);
	pthread_mutex_lock(&c->table->lock);
	if (op == EPOLL_CTL_MOD) {
		r = stream_arm(c, epoll, event);
	} else {
		c->epoll = c->mute_epoll = -1;
		r = rpc_libc_epoll_ctl(epoll, op, c->fd, event);
	}
	pthread_mutex_unlock(&c->table->lock);
	return r;
}
