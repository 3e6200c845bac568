/* SPDX-License-Identifier: MIT */
/* The table of connections: gives each its place, and chooses which one makes room. */
#include "rpc/nng/connection.h"

#include "core/base/clock.h"
#include "rpc/nng/libc.h"
#include "rpc/nng/turns.h"

#include <stdlib.h>
#include <string.h>

enum { GREETING_MS = 10000 };

static _Atomic(struct rpc_connection *) by_descriptor[RPC_DESCRIPTORS_MAX];

struct rpc_connection *rpc_connection_of(int fd)
{
	return fd >= 0 && fd < RPC_DESCRIPTORS_MAX ? atomic_load(&by_descriptor[fd]) : NULL;
}

void rpc_connection_register(struct rpc_connection *c)
{
	c->table->references++;
	atomic_store(&by_descriptor[c->fd], c);
}

void rpc_connection_unregister(struct rpc_connection *c)
{
	atomic_store(&by_descriptor[c->fd], NULL);
}

void rpc_connection_release(struct rpc_connection *c)
{
	if (c->epoll < 0)
		return;
	rpc_libc_epoll_ctl(c->epoll, EPOLL_CTL_MOD, c->fd, &c->wanted);
	c->epoll = -1;
}

static struct rpc_holder *holder_of(
	struct rpc_connections *table, bool kind, const struct rpc_holder_key *key)
{
	struct rpc_holder *holder;

	LIST_FOREACH(holder, &table->kinds[kind].holders, link)
	{
		if (memcmp(&holder->key, key, sizeof(*key)) == 0)
			return holder;
	}
	holder = calloc(1, sizeof(*holder));
	if (!holder)
		return NULL;
	holder->table = table;
	holder->key = *key;
	TAILQ_INIT(&holder->waiting);
	atomic_fetch_add(&table->holders, 1);
	LIST_INSERT_HEAD(&table->kinds[kind].holders, holder, link);
	return holder;
}

void rpc_connection_gone(struct rpc_connection *c)
{
	struct rpc_connections *table = c->table;
	struct rpc_holder *holder = c->holder;

	if (!holder)
		return;
	table->blocked -= atomic_load(&c->blocked);
	rpc_turns_leave(c);
	atomic_store(&c->gone, true);
	c->holder = NULL;
	TAILQ_REMOVE(&table->kinds[c->network].live, c, live);
	table->kinds[c->network].count--;
	if (--holder->count > 0)
		return;
	if (atomic_fetch_sub(&table->holders, 1) > 1)
		atomic_store(&table->shared_ns, now_ns());
	LIST_REMOVE(holder, link);
	free(holder);
}

void rpc_connection_dismiss(struct rpc_connection *c)
{
	rpc_connection_gone(c);
	if (!c->waits) {
		shutdown(c->fd, SHUT_RDWR);
		rpc_connection_release(c);
		return;
	}
	if (c->greeted) {
		c->waits->queued--;
		c->table->kinds[c->network].descriptors--;
	}
	rpc_connection_unregister(c);
	c->table->references--; /* not the last: the listener has one */
	rpc_libc_close(c->fd);
	free(c);
}

static const struct rpc_holder *greatest_holder(
	const struct rpc_connections *table, const struct rpc_connection *newcomer)
{
	const struct rpc_holder *greatest = newcomer->holder, *holder;

	LIST_FOREACH(holder, &table->kinds[newcomer->network].holders, link)
	{
		if (holder->count > greatest->count)
			greatest = holder;
	}
	return greatest;
}

/* Whoever has to make room for a newcomer that has entered; it may be the newcomer. */
static struct rpc_connection *connection_choose(
	const struct rpc_connections *table, struct rpc_connection *newcomer)
{
	const struct rpc_holder *holder = greatest_holder(table, newcomer);
	struct rpc_connection *idlest[RPC_STAGES] = {NULL}, *chosen = NULL, *c;
	unsigned count[RPC_STAGES] = {0}, most = 0;

	TAILQ_FOREACH (c, &table->kinds[newcomer->network].live, live) {
		struct rpc_connection **idle = &idlest[c->stage];

		if (c->holder != holder || c->in_hand > 0)
			continue;
		count[c->stage]++;
		if (!*idle || c->since_ns < (*idle)->since_ns)
			*idle = c;
	}
	for (size_t i = 0; i < RPC_STAGES; i++) {
		if (count[i] < most || !idlest[i] ||
			(chosen && count[i] == most && chosen->since_ns <= idlest[i]->since_ns))
			continue;
		most = count[i];
		chosen = idlest[i];
	}
	return chosen ? chosen : newcomer;
}

int64_t rpc_connection_expire_silent(struct rpc_connections *table, bool kind, int64_t now_ns)
{
	struct rpc_connection *c, *next;
	int64_t next_ns = INT64_MAX;

	for (c = TAILQ_FIRST(&table->kinds[kind].live); c; c = next) {
		int64_t due_ns = c->since_ns + GREETING_MS * NS_PER_MS;

		next = TAILQ_NEXT(c, live);
		if (!c->waits)
			continue;
		if (due_ns <= now_ns) {
			rpc_connection_dismiss(c);
			continue;
		}
		if (due_ns < next_ns)
			next_ns = due_ns;
	}
	return next_ns;
}

bool rpc_connection_enter(struct rpc_connection *c, const struct rpc_holder_key *key)
{
	struct rpc_connections *table = c->table;
	struct rpc_connection *chosen;

	c->since_ns = now_ns();
	c->epoll = c->mute_epoll = -1;
	rpc_connection_expire_silent(table, c->network, c->since_ns);
	c->holder = table->freed || c->fd >= RPC_DESCRIPTORS_MAX
			    ? NULL
			    : holder_of(table, c->network, key);
	if (!c->holder)
		return false;
	c->holder->count++;
	TAILQ_INSERT_TAIL(&table->kinds[c->network].live, c, live);
	if (++table->kinds[c->network].count > table->places) {
		chosen = connection_choose(table, c);
		if (chosen == c) {
			rpc_connection_gone(c);
			return false;
		}
		rpc_connection_dismiss(chosen);
	}
	rpc_connection_register(c);
	return true;
}

void rpc_connection_hand_over(struct rpc_connection *c)
{
	c->greeted = false;
	c->waits->queued--;
	c->waits = NULL;
}
