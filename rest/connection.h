/* SPDX-License-Identifier: MIT */
/*
 * What is kept of a connection beside h2o's own: who is there, the gate, the lingering end.
 *
 * The gate stands between the socket and h2o's parser and judges each request's head first. h2o
 * would read on through a head that is ambiguous, waits for a body of the wrong length, and
 * answers a malformed one in plain text.
 *
 * The lingering end: h2o closes a connection with bytes unread after an early answer (a body too
 * long), and the kernel then resets it, which can destroy the answer before the client has read
 * it. So a second descriptor keeps the socket for a moment, while what still comes is dropped.
 */
#pragma once

#include "rest/loop.h"

/* Who owns the other end of a connection: the user who made that socket, as the kernel told when
 * the connection had just been accepted. */
struct rest_owner {
	bool known; /* else nobody: the peer had gone by then, or it is not asked */
	uid_t uid;
};

struct rest_connection {
	struct rest_loop *loop;
	h2o_socket_t *sock;
	h2o_linklist_t link; /* in loop->connections, by when one was last answered */
	h2o_socket_cb parse; /* h2o's reader of requests, behind the gate */
	h2o_socket_cb sent;  /* h2o's own wait for an answer to be written */
	size_t head_len;     /* of the request under way */
	size_t request_len;  /* the same with its body, once answered */
	bool *gone;	     /* set when the connection dies under a callback of ours */
	struct rest_json refusal;
	int linger_fd; /* -1: close at once */
	h2o_timeout_entry_t linger;
	bool known; /* the three below are filled in */
	struct rest_address address;
	char text[56];
	struct rest_owner owner; /* from the first moment; asked as rest_config.ask_owner says */
};

/* Takes charge of an accepted socket. */
void rest_connection_open(struct rest_loop *loop, h2o_socket_t *sock);

/* The connection a request came by. */
struct rest_connection *rest_connection_of(h2o_req_t *req);

/* Fills in who is at the other end, at the first call. */
void rest_connection_know_peer(struct rest_connection *connection);

/* Whether the peer has neither closed nor half closed its end, so that its owner is still there. */
bool rest_connection_is_open(const struct rest_connection *connection);

/* To be called right after the last h2o_send of a request: the gate comes back when the answer
 * has been written. */
void rest_connection_answered(struct rest_connection *connection, h2o_req_t *req);

/* Has the socket linger when h2o closes it. */
void rest_connection_linger(struct rest_connection *connection);

/* Ends it if it is idle: no byte of a request is there. Whether it was; it is gone a little later.
 */
bool rest_connection_dismiss(struct rest_connection *connection);

/* Ends it: without force only if no byte of a request is there. */
void rest_connection_shut(struct rest_connection *connection, bool force);
