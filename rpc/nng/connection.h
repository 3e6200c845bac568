/* SPDX-License-Identifier: MIT */
/* One descriptor of an nng socket, for rpc/nng/connection*.c and mend.c alone. */
#pragma once

#include "rpc/nng/connections.h"
#include "rpc/service/owner.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/types.h>

enum { RPC_KINDS = 2 }; /* Unix sockets, a network */

/* What a connection has done so far. */
enum rpc_stage { RPC_STAGE_HALF_OPEN, RPC_STAGE_SILENT, RPC_STAGE_USED, RPC_STAGES };

/* Who has connections of a kind. */
struct rpc_holder_key {
	bool is_uid;
	uint8_t id[16]; /* a uid, or an IPv6 address, perhaps cut */
};

struct rpc_holder {
	struct rpc_holder_key key;
	unsigned count; /* of those that are not gone */
	LIST_ENTRY(rpc_holder) link;
};

struct rpc_connection {
	struct rpc_connections *table;
	int fd;
	bool listens;
	bool network;
	bool plain; /* of a listener: its connections begin with SP's greeting */
	int lobby;  /* of a listener: an epoll of it and of whom it has not greeted yet; see lobby.c
		     */

	/* Below here, of connections alone. Under the table's lock: */
	struct rpc_connection *waits; /* in this listener's lobby; NULL: nng has the descriptor */
	struct rpc_holder *holder;    /* NULL: it is gone */
	enum rpc_stage stage;
	uint32_t pipe; /* 0: none */
	unsigned in_hand;
	unsigned handing; /* replies that are being given to nng */
	int64_t since_ns; /* idle, or half open */
	bool known;
	struct rpc_caller caller;
	TAILQ_ENTRY(rpc_connection) live;
	bool put_off; /* of a listener: until nng has closed some connections it accepts none */
	LIST_ENTRY(rpc_connection) by_pipe; /* of a listener: put_off */
	int64_t blocked_ns;
	int64_t progress_ns;
	int epoll;		   /* where reading is asked for while blocked; -1: nowhere */
	struct epoll_event wanted; /* what is asked for then */

	/* Changed under the lock, read without: */
	atomic_bool gone;    /* lost or let go: nothing more is read, what is sent is dropped */
	atomic_bool blocked; /* the kernel had no room for a reply */

	atomic_bool mute; /* what nng means to send waits until it closes the connection */

	/* Of the message that nng means to send, what has been sent. Only who sends touches it, and
	 * nng has one thread at a time send. */
	size_t sent;
};

LIST_HEAD(rpc_pipe_list, rpc_connection);
LIST_HEAD(rpc_holder_list, rpc_holder);
TAILQ_HEAD(rpc_live_list, rpc_connection);

enum { RPC_PIPE_BUCKETS = 1024 };

struct rpc_connections {
	struct rpc_connections_config config;
	nng_socket socket;
	pthread_mutex_t lock; /* a leaf: nothing of nng is called under it */
	struct {
		unsigned count;		   /* of those in the list */
		unsigned descriptors;	   /* that nng has */
		struct rpc_live_list live; /* not gone */
		struct rpc_holder_list holders;
		struct rpc_pipe_list put_off; /* listeners */
	} kinds[RPC_KINDS];
	struct rpc_pipe_list pipes[RPC_PIPE_BUCKETS];
	pthread_mutex_t owner_lock;
	struct rpc_owner_query owners; /* under the lock before it */
	unsigned blocked;
	unsigned references; /* of descriptors, and until rpc_connections_free one more */
	bool freed;
	bool lobby_told; /* whoever expires connections knows that some wait in the lobby */
};

/* The listener or connection with a descriptor; NULL: it is none of ours. On nng's threads it stays
 * until they close the descriptor. */
struct rpc_connection *rpc_connection_of(int fd);

/* Makes a listener of a descriptor that the calling thread's rpc_connections_listen has opened. */
void rpc_connection_listens(int fd);

/* A lobby for a listener that has its descriptor. False: the kernel refuses one. */
bool rpc_lobby_open(struct rpc_connection *listener);

/* accept(2) of the next connection that has said the greeting. */
int rpc_lobby_accept(struct rpc_connection *listener);

/* epoll_ctl(2) for a listener: of its lobby. While nng has all the descriptors it may have, the
 * lobby is not polled for; an EMFILE would have nng sleep for ten milliseconds. */
int rpc_lobby_poll(struct rpc_connection *listener, int epoll, int op, struct epoll_event *event);

/* nng has closed a descriptor: has the lobbies polled for that were put off. The lock is held. */
void rpc_lobby_go_on(struct rpc_connections *table, bool network);

/* Closes all that are in a listener's lobby, and it. The lock is held. */
void rpc_lobby_close(struct rpc_connection *listener);

/* Whose a connection just accepted is. Not under the lock. */
void rpc_holder_of(const struct rpc_connection *listener, int fd, const struct sockaddr *peer,
	struct rpc_holder_key *ret_key);

/* Gives a connection its place, at another's cost where there is none. False: it is not to be. The
 * lock is held. */
bool rpc_connection_enter(struct rpc_connection *connection, const struct rpc_holder_key *key);

/* nng gets its descriptor. The lock is held. */
void rpc_connection_hand_over(struct rpc_connection *connection);

/* Its descriptor is about to be closed: forgets it. */
void rpc_connection_close(struct rpc_connection *connection);

/* Takes a connection's place away. The lock is held. */
void rpc_connection_gone(struct rpc_connection *connection);

/* The same, and hangs up. Frees one that nng does not have. The lock is held. */
void rpc_connection_dismiss(struct rpc_connection *connection);

/* Whether requests are to be read: what nobody is there to be answered for need not be. */
enum rpc_reading { RPC_READING_GOES_ON, RPC_READING_HELD, RPC_READING_ENDS };
enum rpc_reading rpc_connection_reading(const struct rpc_connection *connection);

/* A read found its end. False: that must not be told yet, the read is to be tried again. */
bool rpc_connection_lost(struct rpc_connection *connection);

/* sendmsg(2) that sends all or, as nng sees it, nothing: with EAGAIN, what was sent is remembered,
 * and left out when the same message comes again. Over a lost connection nothing is sent. */
ssize_t rpc_connection_send(
	struct rpc_connection *connection, const struct msghdr *message, int flags);

/* epoll_ctl(2). */
int rpc_connection_poll(
	struct rpc_connection *connection, int epoll, int op, struct epoll_event *event);

/* Asks again for what was not asked for while it was blocked. The lock is held. */
void rpc_connection_release(struct rpc_connection *connection);
