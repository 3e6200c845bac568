/* SPDX-License-Identifier: MIT */
/* The connections of an nng socket: places, holders, and who makes room. */
#include "rpc/nng/connections.h"

#include "rpc/nng/connection.h"
#include "rpc/nng/libc.h"
#include "rpc/nng/mend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS 1000000LL

enum {
	DESCRIPTORS_MAX = 1 << 16,
	GREETING_MS = 10000,
	DEAF_MS = 2000,	    /* without a byte that went out */
	BLOCKED_MS = 30000, /* with one reply, however slowly it goes out */
};

static _Atomic(struct rpc_connection *) by_descriptor[DESCRIPTORS_MAX];

/* What this thread's listen(2) is for. */
static _Thread_local struct rpc_connection *opening;

static void unlock(pthread_mutex_t **lock)
{
	pthread_mutex_unlock(*lock);
}

/* Holds the lock to the end of the block. */
#define LOCKED(table)                                                                              \
	__attribute__((cleanup(unlock), unused)) pthread_mutex_t *locked = &(table)->lock;         \
	pthread_mutex_lock(&(table)->lock)

struct rpc_connection *rpc_connection_of(int fd)
{
	return fd >= 0 && fd < DESCRIPTORS_MAX ? atomic_load(&by_descriptor[fd]) : NULL;
}

static void table_destroy(struct rpc_connections *table)
{
	rpc_owner_query_close(&table->owners);
	pthread_mutex_destroy(&table->owner_lock);
	pthread_mutex_destroy(&table->lock);
	free(table);
}

static void unreference(struct rpc_connections *table, bool freed)
{
	bool last;

	pthread_mutex_lock(&table->lock);
	table->freed |= freed;
	last = --table->references == 0;
	pthread_mutex_unlock(&table->lock);
	if (last)
		table_destroy(table);
}

void rpc_connection_listens(int fd)
{
	struct rpc_connection *listener = opening;

	if (!listener || fd >= DESCRIPTORS_MAX)
		return;
	opening = NULL;
	listener->fd = fd;
	if (!rpc_lobby_open(listener)) {
		free(listener); /* nng's accept is libc's then */
		return;
	}
	pthread_mutex_lock(&listener->table->lock);
	listener->table->references++;
	atomic_store(&by_descriptor[fd], listener);
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
	holder->key = *key;
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
	atomic_store(&c->gone, true);
	c->holder = NULL;
	TAILQ_REMOVE(&table->kinds[c->network].live, c, live);
	table->kinds[c->network].count--;
	if (--holder->count > 0)
		return;
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
	atomic_store(&by_descriptor[c->fd], NULL);
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
static struct rpc_connection *choose(
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

/* Lets go who has not said the greeting in time, and returns when the next one's is over. */
static int64_t clear_lobby(struct rpc_connections *table, bool kind, int64_t now_ns)
{
	struct rpc_connection *c, *next;
	int64_t next_ns = INT64_MAX;

	for (c = TAILQ_FIRST(&table->kinds[kind].live); c; c = next) {
		int64_t due_ns = c->since_ns + GREETING_MS * NS_PER_MS;

		next = TAILQ_NEXT(c, live);
		if (!c->waits)
			continue;
		if (due_ns <= now_ns)
			rpc_connection_dismiss(c);
		else if (due_ns < next_ns)
			next_ns = due_ns;
	}
	return next_ns;
}

bool rpc_connection_enter(struct rpc_connection *c, const struct rpc_holder_key *key)
{
	struct rpc_connections *table = c->table;
	struct rpc_connection *chosen;

	c->since_ns = rpc_now_ns();
	c->epoll = -1;
	clear_lobby(table, c->network, c->since_ns);
	c->holder =
		table->freed || c->fd >= DESCRIPTORS_MAX ? NULL : holder_of(table, c->network, key);
	if (!c->holder)
		return false;
	c->holder->count++;
	TAILQ_INSERT_TAIL(&table->kinds[c->network].live, c, live);
	if (++table->kinds[c->network].count > table->config.places) {
		chosen = choose(table, c);
		if (chosen == c) {
			rpc_connection_gone(c);
			return false;
		}
		rpc_connection_dismiss(chosen);
	}
	table->references++;
	atomic_store(&by_descriptor[c->fd], c);
	return true;
}

void rpc_connection_hand_over(struct rpc_connection *c)
{
	c->waits = NULL;
	c->table->kinds[c->network].descriptors++;
}

void rpc_connection_close(struct rpc_connection *c)
{
	struct rpc_connections *table = c->table;

	pthread_mutex_lock(&table->lock);
	atomic_store(&by_descriptor[c->fd], NULL);
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
	unreference(table, false);
}

static struct rpc_pipe_list *bucket_of(struct rpc_connections *table, uint32_t pipe)
{
	return &table->pipes[pipe % RPC_PIPE_BUCKETS];
}

/* The connection of a pipe, or NULL. The lock is held. */
static struct rpc_connection *find(struct rpc_connections *table, nng_pipe pipe)
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
	struct rpc_connection *c = rpc_connection_of(rpc_mend_descriptor(pipe));
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
	c = find(table, pipe);
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

	c = find(table, pipe);
	if (!c)
		return false;
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

	c = find(table, pipe);
	if (!c)
		return;
	c->known = true;
	c->caller = *caller;
}

bool rpc_connections_hand(struct rpc_connections *table, nng_pipe pipe)
{
	struct rpc_connection *c;
	LOCKED(table);

	c = find(table, pipe);
	if (!c || atomic_load(&c->gone))
		return false;
	c->handing++;
	return true;
}

void rpc_connections_handed(struct rpc_connections *table, nng_pipe pipe)
{
	struct rpc_connection *c;
	LOCKED(table);

	c = find(table, pipe);
	if (c)
		c->handing--;
}

void rpc_connections_end(struct rpc_connections *table, nng_pipe pipe)
{
	struct rpc_connection *c;
	LOCKED(table);

	c = find(table, pipe);
	if (!c || c->in_hand == 0)
		return;
	c->in_hand--;
	c->since_ns = rpc_now_ns();
}

void rpc_connections_drop(struct rpc_connections *table, nng_pipe pipe)
{
	struct rpc_connection *c;
	LOCKED(table);

	c = find(table, pipe);
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
		int64_t due_ns = clear_lobby(table, kind, now_ns);

		if (due_ns < next_ns)
			next_ns = due_ns;
	}
	table->lobby_told = next_ns != INT64_MAX;
	return next_ns;
}

int64_t rpc_connections_expire(struct rpc_connections *table)
{
	struct rpc_connection *c, *next;
	LOCKED(table);
	int64_t now_ns = rpc_now_ns(), next_ns = clear_lobbies(table, now_ns);

	for (size_t kind = 0; kind < RPC_KINDS && table->blocked > 0; kind++) {
		for (c = TAILQ_FIRST(&table->kinds[kind].live); c; c = next) {
			next = TAILQ_NEXT(c, live);
			if (!atomic_load(&c->blocked))
				continue;
			if (due_ns(c) <= now_ns)
				rpc_connection_dismiss(c);
			else if (due_ns(c) < next_ns)
				next_ns = due_ns(c);
		}
	}
	return next_ns;
}

struct rpc_connections *rpc_connections_new(
	nng_socket socket, const struct rpc_connections_config *config)
{
	struct rpc_connections *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->config = *config;
	table->socket = socket;
	table->references = 1;
	pthread_mutex_init(&table->lock, NULL);
	pthread_mutex_init(&table->owner_lock, NULL);
	table->owners = (struct rpc_owner_query)RPC_OWNER_QUERY_INIT;
	if (config->ask_owner)
		rpc_owner_query_prepare(&table->owners);
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
		unreference(table, true);
}
