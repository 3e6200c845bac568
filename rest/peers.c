/* SPDX-License-Identifier: MIT */
/* Places, turns and memory by peer. */
#include "rest/peers.h"

#include <stdlib.h>
#include <string.h>

/* For so many requests of senders that wait, one of those that do not. */
#define PEERS_FRESH_RUN 4

#define PEER_OF(node, member) H2O_STRUCT_FROM_MEMBER(struct rest_peer, member, node)
#define SEAT_OF(node, member) H2O_STRUCT_FROM_MEMBER(struct rest_seat, member, node)

void rest_peers_init(struct rest_peers *peers)
{
	for (size_t i = 0; i < REST_PEERS_BUCKETS; i++)
		h2o_linklist_init_anchor(&peers->buckets[i]);
	h2o_linklist_init_anchor(&peers->turns);
}

/* FNV-1a. Whoever makes keys collide is found among 256 at the worst a little later. */
static h2o_linklist_t *peers_bucket(struct rest_peers *peers, const struct rest_peer_key *key)
{
	uint32_t hash = 2166136261U ^ key->kind;

	for (size_t i = 0; i < sizeof(key->bytes); i++)
		hash = (hash ^ key->bytes[i]) * 16777619U;
	return &peers->buckets[(hash ^ hash >> 16) % REST_PEERS_BUCKETS];
}

static struct rest_peer *peers_find(h2o_linklist_t *bucket, const struct rest_peer_key *key)
{
	for (h2o_linklist_t *node = bucket->next; node != bucket; node = node->next) {
		struct rest_peer *peer = PEER_OF(node, bucket);

		if (peer->key.kind == key->kind &&
			memcmp(peer->key.bytes, key->bytes, sizeof(key->bytes)) == 0)
			return peer;
	}
	return NULL;
}

bool rest_peers_join(struct rest_peers *peers, struct rest_seat *seat, struct rest_peer_key key)
{
	h2o_linklist_t *bucket = peers_bucket(peers, &key);
	struct rest_peer *peer = peers_find(bucket, &key);

	if (!peer) {
		peer = calloc(1, sizeof(*peer));
		if (!peer)
			return false;
		peer->key = key;
		h2o_linklist_init_anchor(&peer->fresh);
		h2o_linklist_init_anchor(&peer->behind);
		h2o_linklist_init_anchor(&peer->waiting);
		h2o_linklist_insert(bucket, &peer->bucket);
	}
	peer->seats++;
	seat->peer = peer;
	return true;
}

static void peers_unlink(h2o_linklist_t *node)
{
	if (h2o_linklist_is_linked(node))
		h2o_linklist_unlink(node);
}

/* Whether nobody is in its lines; only then has it no turn. */
static bool peers_has_none(struct rest_peer *peer)
{
	return h2o_linklist_is_empty(&peer->fresh) && h2o_linklist_is_empty(&peer->behind);
}

void rest_peers_leave(struct rest_seat *seat)
{
	struct rest_peer *peer = seat->peer;

	peers_unlink(&seat->line);
	peers_unlink(&seat->waiting);
	seat->peer = NULL;
	if (peers_has_none(peer))
		peers_unlink(&peer->turn);
	if (--peer->seats > 0)
		return;
	peers_unlink(&peer->bucket);
	free(peer);
}

void rest_peers_queue(struct rest_peers *peers, struct rest_seat *seat, bool fresh)
{
	struct rest_peer *peer = seat->peer;

	h2o_linklist_insert(fresh ? &peer->fresh : &peer->behind, &seat->line);
	if (!h2o_linklist_is_linked(&peer->turn))
		h2o_linklist_insert(&peers->turns, &peer->turn);
}

/* The next peer with a turn, and with a fresh request where those alone count. */
static struct rest_peer *peers_first(struct rest_peers *peers, bool fresh_only)
{
	for (h2o_linklist_t *node = peers->turns.next; node != &peers->turns; node = node->next) {
		struct rest_peer *peer = PEER_OF(node, turn);

		if (!fresh_only || !h2o_linklist_is_empty(&peer->fresh))
			return peer;
	}
	return NULL;
}

bool rest_peers_have_turns(struct rest_peers *peers, bool fresh_only)
{
	return peers_first(peers, fresh_only);
}

static struct rest_seat *peers_take(struct rest_peer *peer, bool fresh_only)
{
	bool fresh = !h2o_linklist_is_empty(&peer->fresh);
	h2o_linklist_t *node;

	if (fresh && !fresh_only && peer->run >= PEERS_FRESH_RUN &&
		!h2o_linklist_is_empty(&peer->behind))
		fresh = false;
	peer->run = fresh ? peer->run + 1 : 0;
	node = fresh ? peer->fresh.next : peer->behind.next;
	h2o_linklist_unlink(node);
	return SEAT_OF(node, line);
}

struct rest_seat *rest_peers_next(struct rest_peers *peers, bool fresh_only)
{
	struct rest_peer *peer = peers_first(peers, fresh_only);
	struct rest_seat *seat;

	if (!peer)
		return NULL;
	h2o_linklist_unlink(&peer->turn);
	seat = peers_take(peer, fresh_only);
	if (!peers_has_none(peer))
		h2o_linklist_insert(&peers->turns, &peer->turn);
	return seat;
}

void rest_peers_wait(struct rest_seat *seat)
{
	rest_peers_wait_no_more(seat);
	h2o_linklist_insert(&seat->peer->waiting, &seat->waiting);
}

void rest_peers_wait_no_more(struct rest_seat *seat)
{
	peers_unlink(&seat->waiting);
}

/* The peer with most by that measure among those with a seat that waits. */
static struct rest_peer *peers_most(
	struct rest_peers *peers, size_t (*measure)(const struct rest_peer *peer))
{
	struct rest_peer *most = NULL;

	for (size_t i = 0; i < REST_PEERS_BUCKETS; i++) {
		h2o_linklist_t *bucket = &peers->buckets[i];

		for (h2o_linklist_t *node = bucket->next; node != bucket; node = node->next) {
			struct rest_peer *peer = PEER_OF(node, bucket);

			if (!h2o_linklist_is_empty(&peer->waiting) &&
				(!most || measure(peer) > measure(most)))
				most = peer;
		}
	}
	return most;
}

static size_t peers_seats(const struct rest_peer *peer)
{
	return peer->seats;
}

static size_t peers_bytes(const struct rest_peer *peer)
{
	return peer->bytes;
}

struct rest_seat *rest_peers_idlest(struct rest_peers *peers)
{
	struct rest_peer *peer = peers_most(peers, peers_seats);

	return peer ? SEAT_OF(peer->waiting.next, waiting) : NULL;
}

struct rest_seat *rest_peers_greediest(
	struct rest_peers *peers, bool (*has_bytes)(const struct rest_seat *seat))
{
	struct rest_peer *peer = peers_most(peers, peers_bytes);

	if (!peer)
		return NULL;
	for (h2o_linklist_t *node = peer->waiting.next; node != &peer->waiting; node = node->next)
		if (has_bytes(SEAT_OF(node, waiting)))
			return SEAT_OF(node, waiting);
	return NULL;
}
