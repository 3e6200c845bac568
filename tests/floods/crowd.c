/* SPDX-License-Identifier: MIT */
/* Runs one flood from this process, on one thread. */
#include "tests/floods/crowd.h"

#include "core/base/clock.h"
#include "core/base/util.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>

enum {
	CONNECTIONS_MAX = 100000,
	RENEWED_PER_S = 500, /* of those that the server has ended */
	READY_S = 2,
	TICK_MS = 1,
	EVENTS = 128,
};

struct member {
	int fd;
	bool tried;
	size_t said;	 /* bytes */
	int64_t next_ns; /* when it may say the next one, dripping */
};

struct crowd {
	const struct flood *flood;
	struct sockaddr_storage address;
	socklen_t address_len;
	struct bytes first, again;
	struct member *members;
	size_t tried; /* members that have been connected once, or refused */
	int epoll;
	int64_t began_ns, now;
	uint64_t renewals;
	struct flood_done done;
};

static void must(bool truth, const char *what)
{
	if (truth)
		return;
	perror(what);
	abort();
}

static void find_address(struct crowd *c, const struct daemon *server)
{
	struct sockaddr_un *local = (struct sockaddr_un *)&c->address;
	struct sockaddr_in *remote = (struct sockaddr_in *)&c->address;

	c->address_len = sizeof(*remote);
	if (c->flood->door == FLOOD_REST) {
		memcpy(remote, &server->http, sizeof(*remote));
	} else if (c->flood->door == FLOOD_TCP) {
		*remote = (struct sockaddr_in){.sin_family = AF_INET,
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
			.sin_port = htons((uint16_t)atoi(strrchr(server->rpc[1], ':') + 1))};
	} else {
		local->sun_family = AF_UNIX;
		snprintf(local->sun_path, sizeof(local->sun_path), "%s",
			server->rpc[0] + strlen("ipc://"));
		c->address_len = sizeof(*local);
	}
}

/* With a host that is not this one's, vfiod takes an address for whoever has it. */
static void come_from_elsewhere(int fd)
{
	const struct sockaddr_in from = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1)};

	/* Else the kernel would choose a port already now, of those that it has never had. */
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int));
	must(bind(fd, (const struct sockaddr *)&from, sizeof(from)) == 0, "bind");
}

/* -1: the server does not take one now. */
static int connect_one(struct crowd *c)
{
	int fd = socket(c->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	must(fd >= 0, "socket");
	c->done.connections++;
	/* Over a Unix socket this fails and is not needed. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	if (c->address.ss_family == AF_INET)
		come_from_elsewhere(fd);
	if (connect(fd, (struct sockaddr *)&c->address, c->address_len) == 0 ||
		errno == EINPROGRESS)
		return fd;
	c->done.refused++;
	close(fd);
	return -1;
}

static void listen_for(struct crowd *c, struct member *m, int operation, bool wants_to_send)
{
	struct epoll_event event = {.data.ptr = m};

	event.events = EPOLLRDHUP;
	if (!c->flood->deaf)
		event.events |= EPOLLIN;
	if (wants_to_send)
		event.events |= EPOLLOUT;
	must(epoll_ctl(c->epoll, operation, m->fd, &event) == 0, "epoll_ctl");
}

static void join(struct crowd *c, struct member *m)
{
	m->fd = connect_one(c);
	c->tried += !m->tried;
	m->tried = true;
	m->said = 0;
	m->next_ns = c->now;
	if (m->fd >= 0)
		listen_for(c, m, EPOLL_CTL_ADD, true);
}

static void leave(struct member *m)
{
	close(m->fd);
	m->fd = -1;
}

/* Some of what it is to say next; none when it has said all. */
static size_t next_words(const struct crowd *c, const struct member *m, const char **ret)
{
	const struct flood *f = c->flood;
	size_t len, behind;

	if (m->said < c->first.len) {
		*ret = c->first.data + m->said;
		return c->first.len - m->said;
	}
	if (c->again.len == 0 || (f->most && m->said >= f->most))
		return 0;
	behind = (m->said - c->first.len) % c->again.len;
	*ret = c->again.data + behind;
	len = c->again.len - behind;
	if (f->drip_ms)
		return m->next_ns <= c->now;
	return f->piece && len > f->piece ? f->piece : len;
}

/* As much as goes, but others have their turn. False: it is cut off. */
static bool say(struct crowd *c, struct member *m)
{
	const char *words = NULL;
	size_t len;

	for (int turns = 0; turns < 16 && (len = next_words(c, m, &words)) > 0; turns++) {
		ssize_t n = send(m->fd, words, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0)
			return errno == EAGAIN || errno == EINPROGRESS;
		m->said += (size_t)n;
		c->done.sent += (uint64_t)n;
		if (c->flood->drip_ms)
			m->next_ns = c->now + c->flood->drip_ms * NS_PER_MS;
	}
	return true;
}

/* False: the server has ended it. */
static bool hear(struct crowd *c, struct member *m)
{
	static char drop[262144];
	/* The kernel drops the bytes of TCP uncopied: reading is to cost the machine little. */
	int how = MSG_DONTWAIT | (c->flood->door == FLOOD_IPC ? 0 : MSG_TRUNC);
	ssize_t n = recv(m->fd, drop, sizeof(drop), how);

	if (n > 0)
		c->done.received += (uint64_t)n;
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINPROGRESS));
}

static void attend(struct crowd *c, const struct epoll_event *event)
{
	struct member *m = event->data.ptr;
	const char *words;
	bool lives = true;

	if (event->events & EPOLLIN)
		lives = hear(c, m);
	else if (event->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		lives = false;
	if (lives && event->events & EPOLLOUT) {
		lives = say(c, m);
		if (lives && next_words(c, m, &words) == 0)
			listen_for(c, m, EPOLL_CTL_MOD, false);
	}
	if (!lives)
		leave(m);
}

static bool may_renew(struct crowd *c)
{
	uint64_t due = (uint64_t)((c->now - c->began_ns) / (NS_PER_S / RENEWED_PER_S));

	if (c->renewals >= due || c->done.connections >= CONNECTIONS_MAX)
		return false;
	c->renewals++;
	return true;
}

/* Those that have come late or were ended join again; those that drip say their byte. */
static void look_after_members(struct crowd *c)
{
	for (size_t i = 0; i < c->flood->members; i++) {
		struct member *m = &c->members[i];

		if (m->fd < 0 && (!m->tried || may_renew(c)))
			join(c, m);
		if (c->flood->drip_ms && m->fd >= 0 && m->said >= c->first.len && !say(c, m))
			leave(m);
	}
}

/* As many connects and closes as are due by now. */
static void come_and_go(struct crowd *c)
{
	uint64_t due = (uint64_t)(c->now - c->began_ns) * c->flood->per_second / NS_PER_S;

	if (due > CONNECTIONS_MAX)
		due = CONNECTIONS_MAX;
	while (c->done.connections < due) {
		int fd = connect_one(c);
		ssize_t n =
			fd < 0 ? 0
			       : send(fd, c->first.data, c->first.len, MSG_NOSIGNAL | MSG_DONTWAIT);

		c->done.sent += n > 0 ? (uint64_t)n : 0;
		fd_cleanup(&fd);
	}
}

static void serve_events(struct crowd *c)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(c->epoll, events, EVENTS, TICK_MS);

	for (int i = 0; i < count; i++)
		attend(c, &events[i]);
}

static void tell_ready(const struct crowd *c, int *ready_fd)
{
	bool ready = c->tried >= c->flood->members || c->now - c->began_ns > READY_S * NS_PER_S;

	if (*ready_fd < 0 || !ready)
		return;
	must(write(*ready_fd, "r", 1) == 1, "ready");
	*ready_fd = -1;
}

static void open_crowd(struct crowd *c, const struct flood *flood, const struct daemon *server)
{
	*c = (struct crowd){.flood = flood, .began_ns = now_ns()};
	find_address(c, server);
	bytes_add(&c->first, "", 0);
	if (flood->first)
		flood->first(flood->door, &c->first);
	if (flood->again)
		flood->again(flood->door, &c->again);
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	c->members = calloc(flood->members + 1, sizeof(*c->members));
	must(c->members && c->epoll >= 0, "set up");
	for (size_t i = 0; i < flood->members; i++)
		c->members[i].fd = -1;
}

static void close_crowd(struct crowd *c)
{
	for (size_t i = 0; i < c->flood->members; i++)
		fd_cleanup(&c->members[i].fd);
	free(c->members);
	close(c->epoll);
	bytes_clear(&c->first);
	bytes_clear(&c->again);
}

void crowd_run(const struct flood *flood, const struct daemon *server, unsigned seconds,
	int ready_fd, const volatile sig_atomic_t *stop, struct flood_done *ret)
{
	struct crowd c;

	open_crowd(&c, flood, server);
	while (!*stop && now_ns() - c.began_ns < seconds * NS_PER_S) {
		c.now = now_ns();
		look_after_members(&c);
		if (flood->per_second)
			come_and_go(&c);
		tell_ready(&c, &ready_fd);
		serve_events(&c);
	}
	*ret = c.done;
	close_crowd(&c);
}
