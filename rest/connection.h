/* SPDX-License-Identifier: MIT */
/*
 * What is kept of a connection beside h2o's own: who is there, where it stands, its end.
 *
 * h2o sees whole heads alone, one at a time, when it is the connection's turn (rest/flow.h).
 */
#pragma once

#include "rest/chunked.h"
#include "rest/head.h"
#include "rest/inbox.h"
#include "rest/loop.h"
#include "rest/peers.h"

enum rest_stage {
	REST_WAITING,  /* for a head; nothing or a part of it is there */
	REST_TURN,     /* with a whole head, in its peer's line */
	REST_SERVED,   /* h2o and the handler have it */
	REST_BODY,     /* they have the head, and wait for the rest of the body */
	REST_ANSWERED, /* the answer is being taken */
	REST_REFUSED,  /* the same, of a refusal that h2o knows nothing of */
	REST_LINGERS,  /* h2o is through with it; see rest_connection_want_linger */
};

/* What a request waits for its body with. */
struct rest_whole {
	h2o_req_t *req;
	void (*go_on)(h2o_req_t *req, void *arg);
	void *arg;
	/* rest_reply_error, which is above the code that reads bodies */
	void (*refuse)(h2o_req_t *req, int http_status, enum rpc_code code, const char *fmt, ...)
		__attribute__((format(printf, 4, 5)));
};

/* Who owns the other end of a connection: the user who made that socket, as the kernel told when
 * the connection had just been accepted. */
struct rest_owner {
	bool known; /* else nobody: the peer had gone by then, or it is not asked */
	uid_t uid;
};

struct rest_connection {
	struct rest_loop *loop;
	h2o_socket_t *sock;
	h2o_linklist_t link; /* in loop->connections */
	struct rest_seat seat;
	enum rest_stage stage;
	h2o_socket_cb parse; /* h2o's reader of requests */
	h2o_socket_cb sent;  /* h2o's own wait for an answer to be written */
	struct rest_inbox inbox;
	size_t counted; /* of the inbox's memory, in the sums of loop and peer */
	struct rest_head_scan head;
	struct rest_chunked_reader chunked;
	size_t body; /* bytes of the body, at the front of the inbox */
	struct rest_whole whole;
	bool is_whole;	    /* the request under way has come to its end */
	bool is_broken;	    /* it never will */
	bool ended;	    /* the client sends no more */
	bool *gone;	    /* set when the connection dies under a callback of ours */
	unsigned pipelined; /* requests in a row that were sent before the answer to the last */
	h2o_timeout_entry_t timer;
	struct rest_json refusal;
	int linger_fd; /* -1: close at once */
	bool known;    /* the three below are filled in */
	struct rest_address address;
	char text[56];
	struct rest_owner owner; /* from the first moment; asked as rest_config.ask_owner says */
};

/* Takes charge of an accepted socket. NULL, and the socket closed, when memory is short. */
struct rest_connection *rest_connection_open(struct rest_loop *loop, h2o_socket_t *sock);

/* The connection a request came by. */
struct rest_connection *rest_connection_of(h2o_req_t *req);

/* Fills in who is at the other end, at the first call. */
void rest_connection_know_peer(struct rest_connection *connection);

/* Whether the peer has neither closed nor half closed its end, so that its owner is still there. */
bool rest_connection_is_open(const struct rest_connection *connection);

/* Ends it, whatever it is about. Where lingering is wanted that begins; else it is gone with the
 * call. */
void rest_connection_end(struct rest_connection *connection);

/* Ends it at once, so that its place is free. */
void rest_connection_evict(struct rest_connection *connection);

/* Has the socket linger when h2o closes it, so that an early answer is read. h2o closes with bytes
 * unread, and the kernel then resets the connection, which can destroy the answer. So a second
 * descriptor keeps the socket for a second, while what still comes is dropped. */
void rest_connection_want_linger(struct rest_connection *connection);

/* Keeps the sums of memory right; to be called whenever the inbox has changed. */
void rest_connection_count(struct rest_connection *connection);

/* Ends it: without force only if no byte of a request is there. It is gone a little later. */
void rest_connection_shut(struct rest_connection *connection, bool force);
