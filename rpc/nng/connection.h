/* SPDX-License-Identifier: MIT */
/*
 * The table of connections: gives each its place, and chooses which one makes room.
 *
 * The rules are in connections.h, which is for others; this is for connections.c, lobby.c,
 * stream.c, turns.c and mend.c alone. An entry stands for one descriptor, a listener's or a
 * connection's.
 */
#pragma once

#include "rpc/nng/dispatch.h"
#include "rpc/nng/frames.h"
#include "rpc/nng/holder.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/types.h>

enum { RPC_KINDS = 2 }; /* Unix sockets, a network */

/* What a connection has done so far. */
enum rpc_stage { RPC_STAGE_HALF_OPEN, RPC_STAGE_SILENT, RPC_STAGE_USED, RPC_STAGES };

/* What a lobby is told of who waits in it. Part of the greeting is not told of again, the rest is.
 */
enum { RPC_LOBBY_EVENTS = EPOLLIN | EPOLLRDHUP | (int)EPOLLET };

/* Who has connections of a kind. */
struct rpc_holder {
	struct rpc_connections *table;
	struct rpc_holder_key key;
	unsigned count;	   /* of those that are not gone */
	unsigned unserved; /* requests that nng has and has not begun with; turns that are given */
	int64_t busy_ns;   /* with one request, a thread of nng's, of late */
	TAILQ_HEAD(, rpc_connection) waiting; /* for a turn */
	LIST_ENTRY(rpc_holder) link;
};

struct rpc_connection {
	struct rpc_connections *table;
	int fd;
	bool listens;
	bool network;
	bool plain; /* it begins with SP's greeting; of a listener: its connections do */
	int lobby;  /* of a listener: an epoll of it and of whom it has not greeted yet; see lobby.c
		     */

	/* Below here, of connections alone. Under the table's lock: */
	bool greeted;		      /* and waits for nng to take it */
	unsigned queued;	      /* of a listener: those that do */
	struct rpc_connection *waits; /* in this listener's lobby; NULL: nng has the descriptor */
	struct rpc_holder *holder;    /* NULL: it is gone */
	enum rpc_stage stage;
	uint32_t pipe; /* 0: none */
	unsigned in_hand;
	unsigned unserved; /* of its holder's: see turns.h */
	bool waits_turn;
	TAILQ_ENTRY(rpc_connection) turn;
	unsigned handing; /* replies that are being given to nng */
	int64_t since_ns; /* idle, or half open */
	bool known;
	struct rpc_caller caller;
	TAILQ_ENTRY(rpc_connection) live;
	bool put_off; /* of a listener: until nng has closed some connections it accepts none */
	LIST_ENTRY(rpc_connection) by_pipe; /* of a listener: put_off */
	int64_t blocked_ns;
	int64_t progress_ns;
	int64_t lost_ns;	   /* since when a read finds its end; 0: it does not */
	int epoll;		   /* where reading is asked for while held; -1: nowhere */
	struct epoll_event wanted; /* what is asked for then */

	/* Changed under the lock, read without: */
	atomic_bool gone;    /* lost or let go: nothing more is read, what is sent is dropped */
	atomic_bool blocked; /* the kernel had no room for a reply */
	atomic_bool crowded; /* its last read was held, for its holder has its share */
	atomic_bool has_turn;

	atomic_bool mute;   /* what nng means to send waits until it closes the connection */
	atomic_uint given;  /* replies that nng has, and has not sent */
	atomic_bool parked; /* the one it sends waits: no room, or nobody is there */
	atomic_bool passes; /* but for the next message, which passes for sent */
	int mute_epoll;	    /* where nng waits to send; -1: nowhere */
	struct epoll_event mute_wanted;

	/* Of the message that nng means to send, what has been sent. Only who sends touches it, and
	 * nng has one thread at a time send. */
	size_t sent;

	/* What it has said; only nng's one reader touches it. */
	struct rpc_frames frames;
};

LIST_HEAD(rpc_pipe_list, rpc_connection);
LIST_HEAD(rpc_holder_list, rpc_holder);
TAILQ_HEAD(rpc_live_list, rpc_connection);

enum { RPC_PIPE_BUCKETS = 1024, RPC_DESCRIPTORS_MAX = 1 << 16 };

struct rpc_connections {
	unsigned places; /* these five are constant; connections.h tells */
	uint16_t peer_protocol;
	size_t receive_max;
	void (*wake)(void *arg);
	void *wake_arg;
	pthread_mutex_t lock; /* a leaf: nothing of nng is called under it */
	struct {
		unsigned count;		   /* of those in the list */
		unsigned descriptors;	   /* that nng has, or gets next */
		struct rpc_live_list live; /* not gone */
		struct rpc_holder_list holders;
		struct rpc_pipe_list put_off; /* listeners */
	} kinds[RPC_KINDS];
	struct rpc_pipe_list pipes[RPC_PIPE_BUCKETS];
	struct rpc_holder_query holder_query;
	unsigned blocked;
	unsigned references; /* of descriptors, and until rpc_connections_free one more */
	bool freed;
	bool has_mute;	 /* some connection is */
	bool lobby_told; /* whoever expires connections knows that some wait in the lobby */

	/* Changed under the lock, read without: */
	atomic_uint holders;
	_Atomic int64_t shared_ns; /* when there last were several holders; 0: never */
};

/* The listener or connection with a descriptor; NULL: it is none of ours. On nng's threads it stays
 * until they close the descriptor. */
struct rpc_connection *rpc_connection_of(int fd);

/* Has rpc_connection_of find it, with a reference of its own to the table; and no longer: whoever
 * calls that drops the reference. The lock is held. */
void rpc_connection_register(struct rpc_connection *connection);
void rpc_connection_unregister(struct rpc_connection *connection);

/* Gives a connection its place, at another's cost where there is none. False: it is not to be. The
 * lock is held. */
bool rpc_connection_enter(struct rpc_connection *connection, const struct rpc_holder_key *key);

/* nng gets its descriptor. The lock is held. */
void rpc_connection_hand_over(struct rpc_connection *connection);

/* Takes a connection's place away. The lock is held. */
void rpc_connection_gone(struct rpc_connection *connection);

/* The same, and hangs up. Frees one that nng does not have. The lock is held. */
void rpc_connection_dismiss(struct rpc_connection *connection);

/* Asks again for what was not asked for while it was held. The lock is held. */
void rpc_connection_release(struct rpc_connection *connection);

/* Lets go of those of a kind that have not said the greeting in time, and returns when the next
 * one's time is over (now_ns; INT64_MAX: nobody is waited for). The lock is held. */
int64_t rpc_connection_expire_silent(struct rpc_connections *table, bool kind, int64_t now_ns);
