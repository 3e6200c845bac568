/* SPDX-License-Identifier: MIT */
/* How many requests of one holder may wait to be served. */
#include "rpc/nng/turns.h"

#include "core/base/clock.h"

#include <poll.h>

enum {
	WORK_NS = 1000000,
	SHARE_MIN = 4, /* nng has as many threads at least */
	WEIGHT = 8,    /* of what was before, when a request kept a thread busy for less time */
	ALONE_S = 10,  /* since the last other holder went, who may come again */
};

bool rpc_turns_are_taken(const struct rpc_connections *table)
{
	int64_t shared_ns = atomic_load(&table->shared_ns);

	return atomic_load(&table->holders) > 1 ||
	       (shared_ns > 0 && now_ns() - shared_ns < ALONE_S * NS_PER_S);
}

static bool has_its_share(const struct rpc_holder *holder)
{
	return holder->unserved >= SHARE_MIN && holder->unserved * holder->busy_ns >= WORK_NS &&
	       rpc_turns_are_taken(holder->table);
}

/* Quick requests are not to make room at once for as many slow ones. */
void rpc_turns_charge(struct rpc_holder *holder, int64_t busy_ns)
{
	int64_t more_ns = busy_ns - holder->busy_ns;

	holder->busy_ns += more_ns / (more_ns > 0 ? 2 : WEIGHT);
}

bool rpc_turns_may_read(const struct rpc_connection *c)
{
	return atomic_load(&c->has_turn) || !has_its_share(c->holder);
}

/* A turn is kept for whoever waits for longest, or another could take it while epoll tells. */
static void give_turns(struct rpc_holder *holder)
{
	struct rpc_connection *c;

	while (!has_its_share(holder) && (c = TAILQ_FIRST(&holder->waiting))) {
		TAILQ_REMOVE(&holder->waiting, c, turn);
		c->waits_turn = false;
		atomic_store(&c->has_turn, true);
		holder->unserved++;
		rpc_connection_release(c);
	}
}

void rpc_turns_read(struct rpc_connection *c)
{
	c->unserved++;
	if (!atomic_exchange(&c->has_turn, false))
		c->holder->unserved++;
}

void rpc_turns_begin(struct rpc_connection *c)
{
	if (c->unserved == 0) /* over TLS nobody counts */
		return;
	c->unserved--;
	c->holder->unserved--;
	give_turns(c->holder);
}

static void stop_waiting(struct rpc_connection *c)
{
	if (c->waits_turn)
		TAILQ_REMOVE(&c->holder->waiting, c, turn);
	c->waits_turn = false;
}

void rpc_turns_return(struct rpc_connection *c)
{
	stop_waiting(c);
	if (!atomic_exchange(&c->has_turn, false))
		return;
	c->holder->unserved--;
	give_turns(c->holder);
}

bool rpc_turns_wait(struct rpc_connection *c)
{
	struct pollfd there = {.fd = c->fd, .events = POLLIN};

	if (rpc_turns_may_read(c) || poll(&there, 1, 0) != 1 || there.revents != POLLIN)
		return true;
	TAILQ_INSERT_TAIL(&c->holder->waiting, c, turn);
	c->waits_turn = true;
	return false;
}

void rpc_turns_leave(struct rpc_connection *c)
{
	c->holder->unserved -= c->unserved;
	c->unserved = 0;
	rpc_turns_return(c);
	give_turns(c->holder);
}
