/* SPDX-License-Identifier: MIT */
/*
 * The lobby: where connections wait until they have sent SP's greeting.
 *
 * To let go of a connection costs nng three threads' time, and so it accepts faster than it lets
 * go. To take one costs it time, too: of those that come at once, whose holder has fewest goes
 * first. And it gets only those that begin as a client does; of the others, none is seen by it, and
 * to hang up on one is close(2). nng polls the lobby in place of its listener: an epoll of the
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

/* Whether nng has, or is about to get, all the descriptors it may have. The lock is held. */
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

/* Of those that have greeted, one whose holder has fewest connections: whoever opens many at once
 * waits, and not those who come behind. The lock is held. */
static struct rpc_connection *lobby_choose(const struct rpc_connection *listener)
{
	struct rpc_connection *chosen = NULL, *c;

	if (listener->queued == 0)
		return NULL;
	TAILQ_FOREACH (c, &listener->table->kinds[listener->network].live, live) {
		if (c->waits == listener && c->greeted &&
			(!chosen || c->holder->count < chosen->holder->count))
			chosen = c;
	}
	return chosen;
}

/* It has greeted, and waits for its turn. The lock is held. */
static void lobby_queue(struct rpc_connection *c)
{
	c->greeted = true;
	c->waits->queued++;
	c->table->kinds[c->network].descriptors++;
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

/* Enters a connection just accepted. True: whoever expires connections has to be told of it. The
 * lock is held. */
static bool lobby_take(
	struct rpc_connection *c, const struct rpc_holder_key *key, enum verdict verdict)
{
	if (!rpc_connection_enter(c, key)) {
		rpc_libc_close(c->fd);
		free(c);
		return false;
	}
	if (verdict == VERDICT_GREETED) {
		lobby_queue(c);
		return false;
	}
	if (!lobby_watch(c->waits->lobby, c->fd, RPC_LOBBY_EVENTS)) {
		rpc_connection_dismiss(c);
		return false;
	}
	return lobby_has_to_tell(c->table);
}

/* 0, also for one that is refused, or a negative errno. */
static int lobby_accept_one(struct rpc_connection *listener)
{
	struct sockaddr_storage peer = {0};
	socklen_t len = sizeof(peer);
	struct rpc_holder_key key = {0};
	struct rpc_connection *c;
	enum verdict verdict;
	bool tell;
	int fd = rpc_libc_accept(listener->fd, (struct sockaddr *)&peer, &len);

	if (fd < 0)
		return -errno;
	verdict = lobby_judge(listener, fd);
	c = verdict == VERDICT_NOISE ? NULL : calloc(1, sizeof(*c));
	if (!c) {
		rpc_libc_close(fd);
		return 0;
	}
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
	pthread_mutex_lock(&listener->table->lock);
	tell = lobby_take(c, &key, verdict);
	pthread_mutex_unlock(&listener->table->lock);
	if (tell)
		listener->table->wake(listener->table->wake_arg);
	return 0;
}

/* Who waits has said something, or left. The lock is held. */
static void lobby_look_at(struct rpc_connection *listener, int fd)
{
	struct rpc_connection *c = rpc_connection_of(fd);

	switch (lobby_judge(listener, fd)) {
	case VERDICT_GREETED:
		rpc_libc_epoll_ctl(listener->lobby, EPOLL_CTL_DEL, fd, NULL);
		lobby_queue(c);
		break;
	case VERDICT_NOISE:
		rpc_connection_dismiss(c);
		break;
	case VERDICT_WAITS:
		break;
	}
}

/* Takes in who has come. 0, or a negative errno: EAGAIN when nobody more has. */
static int lobby_step(struct rpc_connection *listener)
{
	struct epoll_event event;
	bool comes = false, looks;

	pthread_mutex_lock(&listener->table->lock);
	if (!is_full(listener))
		comes = rpc_libc_epoll_wait(listener->lobby, &event, 1, 0) == 1;
	looks = comes && event.data.fd != listener->fd;
	if (looks)
		lobby_look_at(listener, event.data.fd);
	pthread_mutex_unlock(&listener->table->lock);
	if (!comes)
		return -EAGAIN;
	return looks ? 0 : lobby_accept_one(listener);
}

int rpc_lobby_accept(struct rpc_connection *listener)
{
	struct rpc_connection *c;
	int r = 0;

	for (int i = 0; i < BURST && r == 0; i++)
		r = lobby_step(listener);
	pthread_mutex_lock(&listener->table->lock);
	c = lobby_choose(listener);
	if (c)
		rpc_connection_hand_over(c);
	pthread_mutex_unlock(&listener->table->lock);
	errno = r < 0 ? -r : EAGAIN;
	return c ? c->fd : -1;
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
