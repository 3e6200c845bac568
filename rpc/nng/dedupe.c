/* SPDX-License-Identifier: MIT */
/* Remembers requests by request_id: in a search tree of libc, the answered ones also by age. */
#include "rpc/nng/dedupe.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct rpc_dedupe_entry {
	struct rpc_dedupe_key key; /* owns its strings and payload */
	void *owner;
	bool done;
	struct rpc_bytes reply;
	int64_t done_ns;
	TAILQ_ENTRY(rpc_dedupe_entry) by_age; /* only while done */
};

/* Reads and changes have room of their own: what is asked for nothing must not push out what a
 * change came to. */
struct room {
	TAILQ_HEAD(, rpc_dedupe_entry) answered;
	size_t count;
	size_t bytes;
};

struct rpc_dedupe {
	struct rpc_dedupe_limits limits;
	void *tree; /* of entries, by peer and request_id */
	struct room rooms[2];
};

static struct room *room_of(struct rpc_dedupe *dedupe, const struct rpc_method *method)
{
	return &dedupe->rooms[method->changes];
}

static bool is_over(const struct rpc_dedupe *dedupe, const struct room *room)
{
	return room->count > dedupe->limits.entries || room->bytes > dedupe->limits.bytes;
}

static int entry_compare(const void *left, const void *right)
{
	const struct rpc_dedupe_entry *a = left, *b = right;
	int order = strcmp(a->key.request_id, b->key.request_id);

	return order != 0 ? order : strcmp(a->key.peer, b->key.peer);
}

static void entry_free(struct rpc_dedupe_entry *entry)
{
	if (!entry)
		return;
	free((void *)entry->key.peer);
	free((void *)entry->key.request_id);
	free((void *)entry->key.payload);
	rpc_bytes_free(&entry->reply);
	free(entry);
}

static struct rpc_dedupe_entry *entry_new(const struct rpc_dedupe_key *key, void *owner)
{
	struct rpc_dedupe_entry *entry = calloc(1, sizeof(*entry));
	struct rpc_bytes payload;

	if (!entry)
		return NULL;
	entry->owner = owner;
	entry->key.method = key->method;
	entry->key.peer = strdup(key->peer);
	entry->key.request_id = strdup(key->request_id);
	if (rpc_bytes_copy(key->payload, key->payload_len, &payload) == 0) {
		entry->key.payload = payload.data;
		entry->key.payload_len = payload.len;
	}
	if (!entry->key.peer || !entry->key.request_id || !entry->key.payload) {
		entry_free(entry);
		return NULL;
	}
	return entry;
}

static size_t entry_bytes(const struct rpc_dedupe_entry *entry)
{
	return sizeof(*entry) + strlen(entry->key.peer) + strlen(entry->key.request_id) +
	       entry->key.payload_len + entry->reply.len;
}

struct rpc_dedupe *rpc_dedupe_new(const struct rpc_dedupe_limits *limits)
{
	struct rpc_dedupe *dedupe = calloc(1, sizeof(*dedupe));

	if (!dedupe)
		return NULL;
	dedupe->limits = *limits;
	for (size_t i = 0; i < 2; i++)
		TAILQ_INIT(&dedupe->rooms[i].answered);
	return dedupe;
}

static void tree_entry_free(void *entry)
{
	entry_free(entry);
}

void rpc_dedupe_free(struct rpc_dedupe *dedupe)
{
	if (!dedupe)
		return;
	tdestroy(dedupe->tree, tree_entry_free);
	free(dedupe);
}

static void entry_drop(struct rpc_dedupe *dedupe, struct rpc_dedupe_entry *entry)
{
	struct room *room = room_of(dedupe, entry->key.method);

	if (entry->done)
		TAILQ_REMOVE(&room->answered, entry, by_age);
	tdelete(entry, &dedupe->tree, entry_compare);
	room->count--;
	room->bytes -= entry_bytes(entry);
	entry_free(entry);
}

static void drop_old(struct rpc_dedupe *dedupe, int64_t now_ns)
{
	struct rpc_dedupe_entry *oldest;

	for (size_t i = 0; i < 2; i++) {
		while ((oldest = TAILQ_FIRST(&dedupe->rooms[i].answered)) &&
			now_ns - oldest->done_ns >= dedupe->limits.age_ns)
			entry_drop(dedupe, oldest);
	}
}

/* Drops the oldest answers, but never keep, until the room is within its limits. */
static void drop_excess(
	struct rpc_dedupe *dedupe, struct room *room, const struct rpc_dedupe_entry *keep)
{
	struct rpc_dedupe_entry *oldest;

	while (is_over(dedupe, room) && (oldest = TAILQ_FIRST(&room->answered)) && oldest != keep)
		entry_drop(dedupe, oldest);
}

static enum rpc_dedupe_verdict entry_judge(
	const struct rpc_dedupe_entry *entry, const struct rpc_dedupe_key *key)
{
	if (entry->key.method != key->method || entry->key.payload_len != key->payload_len)
		return RPC_DEDUPE_OTHER;
	if (key->payload_len > 0 && memcmp(entry->key.payload, key->payload, key->payload_len) != 0)
		return RPC_DEDUPE_OTHER;
	return entry->done ? RPC_DEDUPE_DONE : RPC_DEDUPE_RUNNING;
}

static enum rpc_dedupe_verdict dedupe_insert(struct rpc_dedupe *dedupe,
	const struct rpc_dedupe_key *key, void *owner, struct rpc_dedupe_entry **ret_entry)
{
	struct rpc_dedupe_entry *entry = entry_new(key, owner);
	struct room *room = room_of(dedupe, key->method);

	if (!entry)
		return RPC_DEDUPE_FULL;
	if (!tsearch(entry, &dedupe->tree, entry_compare)) {
		entry_free(entry);
		return RPC_DEDUPE_FULL;
	}
	room->count++;
	room->bytes += entry_bytes(entry);
	drop_excess(dedupe, room, NULL);
	if (is_over(dedupe, room)) {
		entry_drop(dedupe, entry);
		return RPC_DEDUPE_FULL;
	}
	*ret_entry = entry;
	return RPC_DEDUPE_NEW;
}

enum rpc_dedupe_verdict rpc_dedupe_begin(struct rpc_dedupe *dedupe,
	const struct rpc_dedupe_key *key, void *owner, int64_t now_ns,
	struct rpc_dedupe_entry **ret_entry)
{
	struct rpc_dedupe_entry probe = {.key = *key};
	struct rpc_dedupe_entry **found;
	enum rpc_dedupe_verdict verdict;

	drop_old(dedupe, now_ns);
	found = tfind(&probe, &dedupe->tree, entry_compare);
	if (!found)
		return dedupe_insert(dedupe, key, owner, ret_entry);
	verdict = entry_judge(*found, key);
	if (verdict != RPC_DEDUPE_OTHER)
		*ret_entry = *found;
	return verdict;
}

void *rpc_dedupe_owner(const struct rpc_dedupe_entry *entry)
{
	return entry->owner;
}

const struct rpc_bytes *rpc_dedupe_reply(const struct rpc_dedupe_entry *entry)
{
	return &entry->reply;
}

void rpc_dedupe_finish(struct rpc_dedupe *dedupe, struct rpc_dedupe_entry *entry,
	const struct rpc_bytes *reply, int64_t now_ns)
{
	struct room *room = room_of(dedupe, entry->key.method);
	struct rpc_bytes copy;

	if (rpc_bytes_copy(reply->data, reply->len, &copy) < 0) {
		entry_drop(dedupe, entry);
		return;
	}
	entry->reply = copy;
	entry->owner = NULL;
	entry->done = true;
	entry->done_ns = now_ns;
	room->bytes += copy.len;
	TAILQ_INSERT_TAIL(&room->answered, entry, by_age);
	drop_excess(dedupe, room, entry);
}

void rpc_dedupe_forget(struct rpc_dedupe *dedupe, struct rpc_dedupe_entry *entry)
{
	entry_drop(dedupe, entry);
}
