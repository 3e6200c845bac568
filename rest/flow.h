/* SPDX-License-Identifier: MIT */
/*
 * What comes and goes on a connection.
 *
 * h2o reads as much as there is, parses what it can and answers all of it before it turns to
 * another connection; it reads on through an ambiguous head, takes bodies of any framing, and takes
 * them before anyone has looked at the key. So it is given neither the socket nor a body. We read,
 * a little at a time, and judge each head (rest/head.h). When it is the connection's turn, h2o gets
 * that one head, without the line about its body. The handler looks at access and route, and then
 * asks for the body, which is read and judged here as well (rest/chunked.h). With the answer
 * written the connection goes back to the end of its line (rest/peers.h). While a request is there,
 * nothing more is read.
 */
#pragma once

#include "rest/connection.h"

/* Takes charge of an accepted socket and begins to wait for a request. */
void rest_flow_open(struct rest_loop *loop, h2o_socket_t *sock);

/* Serves those whose turn it is, for about a millisecond. */
void rest_flow_turn(struct rest_loop *loop);

/* Calls go_on when the request's body is there, in req->entity until go_on returns: at once, or
 * later unless the request goes before. For a body that is too long, badly framed or too slow,
 * refuse is called instead. arg must live as long as the request. To be called once, before the
 * request is answered; one without a body is whole. */
void rest_flow_when_whole(const struct rest_whole *whole);

/* Whether the answer now to be sent is the connection's last: its request has a body that is not
 * all there, or too many were sent in a row. The socket then lingers. */
bool rest_flow_is_last(struct rest_connection *connection);

/* To be called right after the last h2o_send of a request. */
void rest_flow_answered(struct rest_connection *connection, h2o_req_t *req);
