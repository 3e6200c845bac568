/* SPDX-License-Identifier: MIT */
/*
 * The lobby: where connections wait until they have sent SP's greeting.
 *
 * To let go of a connection costs nng three threads' time, and so it accepts faster than it lets
 * go. So it gets only those that begin as a client does; of the others, none is seen by it, and to
 * hang up on one is close(2). nng polls the lobby in place of its listener: an epoll of the
 * listener and of all who wait. Over TLS the first byte counts for the greeting.
 */
#include "rpc/nng/lobby.h"

#include "rpc/nng/libc.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	BURST = 64, /* steps in a row, before nng's thread looks at others */
	SPARE = 64, /* descriptors that nng is slow to close */
	GREETING = 8,
	SEND_BUFFER = 32 * 1024, /* which the kernel doubles: what a client may leave unread */
	AGAIN = -2,
};

enum verdict { VERDICT_GREETED, VERDICT_WAITS, VERDICT_NOISE };

static enum verdict lobby_judge(const struct rpc_connection *listener, int fd)
{
	uint16_t protocol = listener->table->peer_protocol;
	const uint8_t good[GREETING] = {
		0, 'S', 'P', 0, (uint8_t)(protocol >> 8), (uint8_t)protocol, 0, 0};
	struct pollfd end = {.fd = fd, .events = POLLRDHUP}; /* which comes behind what it said */
	uint8_t said[GREETING];
	ssize_t n = recv(fd, said, sizeof(said), MSG_PEEK | MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? VERDICT_WAITS : VERDICT_NOISE;
	if (n == 0 || (listener->plain && memcmp(said, good, (size_t)n) != 0))
		return VERDICT_NOISE;
	if (n == GREETING || !listener->plain)
		return VERDICT_GREETED;
	return poll(&end, 1, 0) > 0 ? VERDICT_NOISE : VERDICT_WAITS;
}

static bool lobby_watch(int lobby, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};

	return rpc_libc_epoll_ctl(lobby, EPOLL_CTL_ADD, fd, &event) == 0;
}

bool rpc_lobby_open(struct rpc_connection *listener)
{
	listener->lobby = epoll_create1(EPOLL_CLOEXEC);
	if (listener->lobby >= 0 && lobby_watch(listener->lobby, listener->fd, EPOLLIN))
		return true;
	if (listener->lobby >= 0)
		rpc_libc_close(listener->lobby);
	return false;
}

/* Whether nng has all the descriptors it may have. The lock is held. */
static bool is_full(const struct rpc_connection *listener)
{
	const struct rpc_connections *table = listener->table;

	return table->kinds[listener->network].descriptors >= table->places + SPARE;
}

static void lobby_put_off(struct rpc_connection *listener, bool put_off)
{
	if (put_off && !listener->put_off)
		LIST_INSERT_HEAD(
			&listener->table->kinds[listener->network].put_off, listener, by_pipe);
	if (!put_off && listener->put_off)
		LIST_REMOVE(listener, by_pipe);
	listener->put_off = put_off;
}

/* Over TCP nng has its descriptor polled before it listens: for nothing, and so it stays. */
int rpc_lobby_poll(struct rpc_connection *listener, int epoll, int op, struct epoll_event *event)
{
	struct epoll_event wanted = event ? *event : (struct epoll_event){0};
	int r;

	pthread_mutex_lock(&listener->table->lock);
	listener->epoll = epoll;
	listener->wanted = wanted;
	lobby_put_off(listener, op != EPOLL_CTL_DEL && is_full(listener));
	if (listener->put_off)
		wanted.events &= ~(uint32_t)EPOLLIN;
	r = rpc_libc_epoll_ctl(epoll, op, listener->lobby, &wanted);
	if (op == EPOLL_CTL_DEL)
		r = rpc_libc_epoll_ctl(epoll, op, listener->fd, event) < 0 ? r : 0;
	else if (r < 0 && errno == ENOENT && op == EPOLL_CTL_MOD)
		r = rpc_libc_epoll_ctl(epoll, EPOLL_CTL_ADD, listener->lobby, &wanted);
	pthread_mutex_unlock(&listener->table->lock);
	return r;
}

void rpc_lobby_go_on(struct rpc_connections *table, bool network)
{
	struct rpc_connection *listener;

	while ((listener = LIST_FIRST(&table->kinds[network].put_off)) && !is_full(listener)) {
		lobby_put_off(listener, false);
		rpc_libc_epoll_ctl(
			listener->epoll, EPOLL_CTL_MOD, listener->lobby, &listener->wanted);
	}
}

/* Whether whoever expires connections has to be told, now that one waits. */
static bool lobby_has_to_tell(struct rpc_connections *table)
{
	bool tell = !table->lobby_told && table->wake;

	table->lobby_told |= tell;
	return tell;
}

/* Enters a connection just accepted. True: nng gets it. The lock is held. */
static bool lobby_take(struct rpc_connection *c, const struct rpc_holder_key *key,
	enum verdict verdict, bool *ret_entered, bool *ret_tell)
{
	*ret_tell = false;
	*ret_entered = rpc_connection_enter(c, key);
	if (!*ret_entered)
		return false;
	if (verdict == VERDICT_GREETED) {
		rpc_connection_hand_over(c);
		return true;
	}
	*ret_tell = lobby_has_to_tell(c->table);
	if (!lobby_watch(c->waits->lobby, c->fd, RPC_LOBBY_EVENTS))
		rpc_connection_dismiss(c);
	return false;
}

static int lobby_refuse(int fd, struct rpc_connection *c)
{
	rpc_libc_close(fd);
	free(c);
	return AGAIN;
}

static int lobby_accept_one(struct rpc_connection *listener)
{
	struct sockaddr_storage peer = {0};
	socklen_t len = sizeof(peer);
	struct rpc_holder_key key = {0};
	struct rpc_connection *c;
	enum verdict verdict;
	bool greeted, entered, tell;
	int fd = rpc_libc_accept(listener->fd, (struct sockaddr *)&peer, &len);

	if (fd < 0)
		return -1;
	verdict = lobby_judge(listener, fd);
	c = verdict == VERDICT_NOISE ? NULL : calloc(1, sizeof(*c));
	if (!c)
		return lobby_refuse(fd, c);
	c->table = listener->table;
	c->network = listener->network;
	c->plain = listener->plain;
	c->frames = (struct rpc_frames){
		.local = !listener->network, .max = listener->table->receive_max};
	c->fd = fd;
	c->waits = listener;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){SEND_BUFFER}, sizeof(int));
	rpc_holder_find(
		&listener->table->holder_query, c->network, fd, (struct sockaddr *)&peer, &key);
	pthread_mutex_lock(&c->table->lock);
	greeted = lobby_take(c, &key, verdict, &entered, &tell);
	pthread_mutex_unlock(&listener->table->lock);
	if (tell)
		listener->table->wake(listener->table->wake_arg);
	if (!entered)
		return lobby_refuse(fd, c);
	return greeted ? fd : AGAIN;
}

/* Who waits has said something, or left. The lock is held. */
static int lobby_look_at(struct rpc_connection *listener, int fd)
{
	struct rpc_connection *c = rpc_connection_of(fd);

	switch (lobby_judge(listener, fd)) {
	case VERDICT_GREETED:
		rpc_libc_epoll_ctl(listener->lobby, EPOLL_CTL_DEL, fd, NULL);
		rpc_connection_hand_over(c);
		return fd;
	case VERDICT_NOISE:
		rpc_connection_dismiss(c);
		break;
	case VERDICT_WAITS:
		break;
	}
	return AGAIN;
}

/* A descriptor for nng; -1 with errno set; or AGAIN. */
static int lobby_step(struct rpc_connection *listener)
{
	struct epoll_event event;
	int r = -1, count = 0;

	pthread_mutex_lock(&listener->table->lock);
	if (!is_full(listener))
		count = rpc_libc_epoll_wait(listener->lobby, &event, 1, 0);
	errno = EAGAIN;
	if (count == 1 && event.data.fd != listener->fd)
		r = lobby_look_at(listener, event.data.fd);
	pthread_mutex_unlock(&listener->table->lock);
	return count == 1 && event.data.fd == listener->fd ? lobby_accept_one(listener) : r;
}

int rpc_lobby_accept(struct rpc_connection *listener)
{
	for (int i = 0; i < BURST; i++) {
		int fd = lobby_step(listener);

		if (fd != AGAIN)
			return fd;
	}
	errno = EAGAIN;
	return -1;
}

void rpc_lobby_close(struct rpc_connection *listener)
{
	struct rpc_live_list *live = &listener->table->kinds[listener->network].live;
	struct rpc_connection *c, *next;

	for (c = TAILQ_FIRST(live); c; c = next) {
		next = TAILQ_NEXT(c, live);
		if (c->waits == listener)
			rpc_connection_dismiss(c);
	}
	lobby_put_off(listener, false);
	rpc_libc_close(listener->lobby);
}
