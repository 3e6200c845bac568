/* SPDX-License-Identifier: MIT */
/* Follows the connections of an nng socket from listen() to close(). */
#include "rpc/nng/connections.h"

#include "core/base/clock.h"
#include "rpc/nng/connection.h"
#include "rpc/nng/descriptor.h"
#include "rpc/nng/lobby.h"
#include "rpc/nng/stream.h"
#include "rpc/nng/turns.h"

#include <stdlib.h>

enum {
	DEAF_MS = 2000,	    /* without a byte that went out */
	BLOCKED_MS = 30000, /* with one reply, however slowly it goes out */
	APART_MS = 4,	    /* between those that are let go: each may come back with requests */
};

/* What this thread's listen(2) is for. */
static _Thread_local struct rpc_connection *opening;

static void connections_unlock(pthread_mutex_t **lock)
{
	pthread_mutex_unlock(*lock);
}

/* Holds the lock to the end of the block. */
#define LOCKED(table)                                                                              \
	__attribute__((cleanup(connections_unlock), unused)) pthread_mutex_t *locked =             \
		&(table)->lock;                                                                    \
	pthread_mutex_lock(&(table)->lock)

static void table_destroy(struct rpc_connections *table)
{
	rpc_holder_query_close(&table->holder_query);
	pthread_mutex_destroy(&table->lock);
	free(table);
}

static void connections_unreference(struct rpc_connections *table, bool freed)
{
	bool last;

	pthread_mutex_lock(&table->lock);
	table->freed |= freed;
	last = --table->references == 0;
	pthread_mutex_unlock(&table->lock);
	if (last)
		table_destroy(table);
}

void rpc_connections_listens(int fd)
{
	struct rpc_connection *listener = opening;

	if (!listener || fd >= RPC_DESCRIPTORS_MAX)
		return;
	opening = NULL;
	listener->fd = fd;
	if (!rpc_lobby_open(listener)) {
		free(listener); /* nng's accept is libc's then */
		return;
	}
	pthread_mutex_lock(&listener->table->lock);
	rpc_connection_register(listener);
	pthread_mutex_unlock(&listener->table->lock);
}

int rpc_connections_listen(
	struct rpc_connections *table, nng_listener listener, bool network, bool plain)
{
	struct rpc_connection *entry = calloc(1, sizeof(*entry));
	int r;

	if (!entry)
		return NNG_ENOMEM;
	entry->table = table;
	entry->listens = true;
	entry->network = network;
	entry->plain = plain;
	opening = entry;
	r = nng_listener_start(listener, 0);
	if (opening) /* nothing was listened on */
		free(entry);
	opening = NULL;
	return r;
}

void rpc_connections_close(struct rpc_connection *c)
{
	struct rpc_connections *table = c->table;

	pthread_mutex_lock(&table->lock);
	rpc_connection_unregister(c);
	if (c->listens) {
		rpc_lobby_close(c);
	} else {
		rpc_connection_gone(c);
		table->kinds[c->network].descriptors--;
		rpc_lobby_go_on(table, c->network);
		if (c->pipe != 0)
			LIST_REMOVE(c, by_pipe);
	}
	pthread_mutex_unlock(&table->lock);
	free(c);
	connections_unreference(table, false);
}

static struct rpc_pipe_list *bucket_of(struct rpc_connections *table, uint32_t pipe)
{
	return &table->pipes[pipe % RPC_PIPE_BUCKETS];
}

/* The connection of a pipe, or NULL. The lock is held. */
static struct rpc_connection *connections_find(struct rpc_connections *table, nng_pipe pipe)
{
	struct rpc_connection *c;

	LIST_FOREACH(c, bucket_of(table, pipe.id), by_pipe)
	{
		if (c->pipe == pipe.id)
			return c;
	}
	return NULL;
}

/* The greeting is over. */
static void on_arrival(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
	struct rpc_connections *table = arg;
	struct rpc_connection *c = rpc_connection_of(rpc_descriptor_of(pipe));
	LOCKED(table);

	(void)event;
	if (!c || c->table != table || c->pipe != 0)
		return;
	c->stage = RPC_STAGE_SILENT;
	c->pipe = pipe.id;
	LIST_INSERT_HEAD(bucket_of(table, pipe.id), c, by_pipe);
}

/* By now nng no longer tells the descriptor, which may be anybody's. */
static void on_departure(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
	struct rpc_connections *table = arg;
	struct rpc_connection *c;
	LOCKED(table);

	(void)event;
	c = connections_find(table, pipe);
	if (!c)
		return;
	rpc_connection_gone(c);
	LIST_REMOVE(c, by_pipe);
	c->pipe = 0;
}

bool rpc_connections_begin(
	struct rpc_connections *table, nng_pipe pipe, struct rpc_caller *ret_caller)
{
	struct rpc_connection *c;
	LOCKED(table);

	c = connections_find(table, pipe);
	if (!c)
		return false;
	if (c->holder)
		rpc_turns_begin(c);
	c->in_hand++;
	c->stage = RPC_STAGE_USED;
	if (c->known)
		*ret_caller = c->caller;
	return c->known;
}

void rpc_connections_know(
	struct rpc_connections *table, nng_pipe pipe, const struct rpc_caller *caller)
{
	struct rpc_connection *c;
	LOCKED(table);

	c = connections_find(table, pipe);
	if (!c)
		return;
	c->known = true;
	c->caller = *caller;
}

bool rpc_connections_hand(struct rpc_connections *table, nng_pipe pipe, int64_t busy_ns)
{
	struct rpc_connection *c;
	LOCKED(table);

	c = connections_find(table, pipe);
	if (!c || atomic_load(&c->gone))
		return false;
	if (busy_ns > 0)
		rpc_turns_charge(c->holder, busy_ns);
	c->handing++;
	atomic_fetch_add(&c->given, 1);
	return true;
}

void rpc_connections_handed(struct rpc_connections *table, nng_pipe pipe)
{
	struct rpc_connection *c;
	LOCKED(table);

	c = connections_find(table, pipe);
	if (c)
		c->handing--;
}

void rpc_connections_end(struct rpc_connections *table, nng_pipe pipe)
{
	struct rpc_connection *c;
	LOCKED(table);

	c = connections_find(table, pipe);
	if (!c || c->in_hand == 0)
		return;
	c->in_hand--;
	c->since_ns = now_ns();
}

void rpc_connections_drop(struct rpc_connections *table, nng_pipe pipe)
{
	struct rpc_connection *c;
	LOCKED(table);

	c = connections_find(table, pipe);
	if (c)
		rpc_connection_dismiss(c);
}

bool rpc_connections_make_way(struct rpc_connections *table)
{
	struct rpc_connection *longest = NULL, *c;
	LOCKED(table);

	for (size_t kind = 0; kind < RPC_KINDS && table->blocked > 0; kind++) {
		TAILQ_FOREACH (c, &table->kinds[kind].live, live) {
			if (atomic_load(&c->blocked) &&
				(!longest || c->blocked_ns < longest->blocked_ns))
				longest = c;
		}
	}
	if (longest)
		rpc_connection_dismiss(longest);
	return longest;
}

/* When a blocked connection has had its time. */
static int64_t due_ns(const struct rpc_connection *c)
{
	int64_t deaf_ns = c->progress_ns + DEAF_MS * NS_PER_MS;
	int64_t slow_ns = c->blocked_ns + BLOCKED_MS * NS_PER_MS;

	return deaf_ns < slow_ns ? deaf_ns : slow_ns;
}

static int64_t clear_lobbies(struct rpc_connections *table, int64_t now_ns)
{
	int64_t next_ns = INT64_MAX;

	for (size_t kind = 0; kind < RPC_KINDS; kind++) {
		int64_t due_ns = rpc_connection_expire_silent(table, kind, now_ns);

		if (due_ns < next_ns)
			next_ns = due_ns;
	}
	table->lobby_told = next_ns != INT64_MAX;
	return next_ns;
}

/* nng reads nothing while it has a request for which there is no context, and so does not see the
 * end of a lost connection. When all contexts wait to give their replies to that very connection,
 * there would never be one again. So one reply at a time passes for sent. Returns when to look
 * again. */
static int64_t connections_free_contexts(struct rpc_connections *table, bool starved)
{
	struct rpc_connection *c;
	bool any = false;
	LOCKED(table);

	for (size_t i = 0; i < RPC_PIPE_BUCKETS && table->has_mute; i++) {
		LIST_FOREACH(c, &table->pipes[i], by_pipe)
		{
			if (!atomic_load(&c->mute))
				continue;
			any = true;
			if (starved)
				rpc_stream_pass(c);
		}
	}
	table->has_mute = any;
	return any ? now_ns() + APART_MS * NS_PER_MS : INT64_MAX;
}

/* Lets deaf connections go, one at a time, and those in a lobby; returns when to do so again. */
static int64_t connections_clear(struct rpc_connections *table)
{
	struct rpc_connection *c, *next;
	LOCKED(table);
	int64_t now = now_ns(), next_ns = clear_lobbies(table, now);

	for (size_t kind = 0; kind < RPC_KINDS && table->blocked > 0; kind++) {
		for (c = TAILQ_FIRST(&table->kinds[kind].live); c; c = next) {
			next = TAILQ_NEXT(c, live);
			if (!atomic_load(&c->blocked))
				continue;
			if (due_ns(c) <= now) {
				rpc_connection_dismiss(c);
				return now + APART_MS * NS_PER_MS;
			}
			if (due_ns(c) < next_ns)
				next_ns = due_ns(c);
		}
	}
	return next_ns;
}

int64_t rpc_connections_expire(struct rpc_connections *table, bool starved)
{
	int64_t free_ns = connections_free_contexts(table, starved),
		clear_ns = connections_clear(table);

	return free_ns < clear_ns ? free_ns : clear_ns;
}

struct rpc_connections *rpc_connections_new(
	nng_socket socket, const struct rpc_connections_config *config)
{
	struct rpc_connections *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->places = config->places;
	table->peer_protocol = config->peer_protocol;
	table->receive_max = config->receive_max;
	table->wake = config->blocked;
	table->wake_arg = config->arg;
	table->references = 1;
	pthread_mutex_init(&table->lock, NULL);
	rpc_holder_query_open(&table->holder_query, config->ask_owner);
	for (size_t i = 0; i < RPC_KINDS; i++)
		TAILQ_INIT(&table->kinds[i].live);
	if (nng_pipe_notify(socket, NNG_PIPE_EV_ADD_PRE, on_arrival, table) == 0 &&
		nng_pipe_notify(socket, NNG_PIPE_EV_REM_POST, on_departure, table) == 0)
		return table;
	table_destroy(table);
	return NULL;
}

void rpc_connections_free(struct rpc_connections *table)
{
	if (table)
		connections_unreference(table, true);
}
