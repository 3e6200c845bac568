/* SPDX-License-Identifier: MIT */
/*
 * Who holds a loop's connections: a fair share of its places, its turns and its memory.
 *
 * A peer is whoever may be behind several connections: a user of this host where that is known,
 * else an address. Peers take turns, so that one with many connections has no more of the loop than
 * one with a single one; within a peer, a request whose sender waited for the answer before comes
 * ahead of those that were sent in a row. Where there is no room, the peer that has most gives way.
 */
#pragma once

#include <h2o.h>
#include <stdbool.h>
#include <stdint.h>

#define REST_PEERS_BUCKETS 256

struct rest_peer_key {
	uint8_t kind; /* of the bytes: REST_PEER_USER, or an address family */
	uint8_t bytes[8];
};

#define REST_PEER_USER 255

struct rest_peer {
	struct rest_peer_key key;
	h2o_linklist_t bucket;
	h2o_linklist_t turn;	/* in rest_peers.turns, while there is a request in a line */
	h2o_linklist_t fresh;	/* line of seats whose sender waited for the answer before */
	h2o_linklist_t behind;	/* line of seats with requests sent in a row */
	h2o_linklist_t waiting; /* seats that let us wait, by since when */
	unsigned run;		/* of turns that `fresh` had in a row */
	size_t seats;
	size_t bytes; /* held by requests that are not whole */
};

/* A connection's place; all fields are private to peers.c but for the peer. */
struct rest_seat {
	struct rest_peer *peer;
	h2o_linklist_t line, waiting;
};

struct rest_peers {
	h2o_linklist_t buckets[REST_PEERS_BUCKETS];
	h2o_linklist_t turns; /* peers, in the order they will be served */
};

void rest_peers_init(struct rest_peers *peers);

/* Gives a seat to the peer of that key; false when out of memory. And takes it, from all lines. */
bool rest_peers_join(struct rest_peers *peers, struct rest_seat *seat, struct rest_peer_key key);
void rest_peers_leave(struct rest_seat *seat);

/* The seat has a whole request: to the end of its line. */
void rest_peers_queue(struct rest_peers *peers, struct rest_seat *seat, bool fresh);

/* Whether any line has a seat in it; with fresh_only, any line of fresh requests. */
bool rest_peers_have_turns(struct rest_peers *peers, bool fresh_only);

/* Takes the next seat whose turn it is out of its line; NULL when those lines are empty. */
struct rest_seat *rest_peers_next(struct rest_peers *peers, bool fresh_only);

/* From now on the seat lets us wait: for a request, or for an answer to be taken. Or no longer. */
void rest_peers_wait(struct rest_seat *seat);
void rest_peers_wait_no_more(struct rest_seat *seat);

/* Whose place is taken: of the peer with most seats, the one that has let us wait for longest.
 * NULL when none waits, all being served. */
struct rest_seat *rest_peers_idlest(struct rest_peers *peers);

/* Of the peer that holds most bytes, the first seat among the waiting that says it has some. */
struct rest_seat *rest_peers_greediest(
	struct rest_peers *peers, bool (*has_bytes)(const struct rest_seat *seat));
