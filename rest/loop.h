/* SPDX-License-Identifier: MIT */
/* One event loop: its thread, its connections, its calls under way. Internal to rest/. */
#pragma once

#include "rest/access.h"
#include "rest/json.h"
#include "rest/peers.h"
#include "rest/server.h"
#include "rpc/service/owner.h"

#include <h2o.h>
#include <pthread.h>
#include <semaphore.h>

/* What all loops share; written before they start, then only read. */
struct rest_server {
	struct rest_config config;
	h2o_globalconf_t http;
	struct rest_loop *loops;
	unsigned loop_count;
	unsigned running; /* loops whose thread is to be joined */
	char etag[24];	  /* of the OpenAPI document, quoted */
};

/* Where calls done on other threads come back. It outlives its loop by the last call. */
struct rest_mailbox {
	pthread_mutex_t lock;
	unsigned refs;
	bool open; /* the loop still takes messages */
	h2o_multithread_receiver_t receiver;
};

/* All fields are the loop's thread's own, but for what a comment says. */
struct rest_loop {
	struct rest_server *server;
	unsigned max_connections;
	int listen_fd; /* -1 once the listener has it */
	pthread_t thread;
	sem_t ready; /* posted when the loop takes messages, and when it has taken a ping */
	h2o_context_t http;
	h2o_accept_ctx_t accept_ctx;
	h2o_socket_t *listener;	 /* NULL: no longer accepting */
	h2o_socket_cb on_accept; /* its reader */
	bool paused;		 /* the listener is not read: too many connections or fds */
	h2o_linklist_t connections;
	size_t connection_count;
	struct rest_peers peers;
	size_t inbox_bytes;	  /* held for requests that are not whole */
	h2o_timeout_t patience;	  /* of connections with their clients */
	h2o_timeout_entry_t turn; /* due at once, while a request is in a line that has its turn */
	bool turned;		  /* since the loop last looked who has come */
	h2o_timeout_t pause;	  /* of those that were sent in a row */
	h2o_timeout_entry_t paused_turn; /* due when that is over */
	int64_t behind_ns;		 /* when it is: now_ns */
	size_t freed;			 /* bytes, since memory was last given back to the system */
	int64_t trimmed_ns;		 /* when that was */
	h2o_linklist_t pending;		 /* exchanges whose client waits */
	h2o_timeout_entry_t tick;
	struct rest_mailbox *mailbox;
	h2o_multithread_receiver_t control;
	h2o_multithread_message_t stop; /* sent by rest_server_stop, after grace_ms is set */
	h2o_multithread_message_t ping;
	uint32_t grace_ms;
	bool draining;
	bool forced;
	int64_t drain_until_ns;
	struct rest_json spare; /* a buffer to write the next answer into */
	struct rpc_owner_query owners;
};

/* The loop a request runs on. */
static inline struct rest_loop *rest_loop_of(h2o_req_t *req)
{
	return H2O_STRUCT_FROM_MEMBER(struct rest_loop, http, req->conn->ctx);
}

/* Has the loop look after deadlines about ten times a second while there is a reason. */
void rest_loop_arm_tick(struct rest_loop *loop);

/* Has the loop serve those in line: still in this turn if it has not yet done so, else in the next,
 * when it has looked who else has come, or when their pause is over. */
void rest_loop_arm_turn(struct rest_loop *loop);

/* Tells that memory was freed. After much of it the loop gives it back to the system, which malloc
 * by itself does not. */
void rest_loop_freed(struct rest_loop *loop, size_t bytes);

/* Gives it back, or at a later tick if that was done a moment ago. To be called at each tick. */
void rest_loop_trim(struct rest_loop *loop);

/* Whether all places are taken; whether there is a place for one more, or one can be made: those
 * who let us wait keep out nobody who does not. */
bool rest_loop_is_full(const struct rest_loop *loop);
bool rest_loop_has_room(struct rest_loop *loop);

/* Starts to read from the listener again if it was paused and there is room. */
void rest_loop_resume(struct rest_loop *loop);
