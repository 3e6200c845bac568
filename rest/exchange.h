/* SPDX-License-Identifier: MIT */
/*
 * One call on its way to a service and back. Internal to rest/.
 *
 * A service that is done before the invocation returns is answered in place. Otherwise the
 * exchange waits in its loop's list; when the service is done, on whatever thread, the answer is
 * written into the exchange there (the message is gone afterwards) and posted to the loop. The
 * HTTP request may be answered earlier (the deadline, a shutdown) or die: then only the exchange
 * lives on, until the service is done with it.
 */
#pragma once

#include "rest/loop.h"
#include "rest/route.h"

/* Sends the request to the service of the route and sees to the answer. Takes the message. peer
 * is copied. On the loop's thread. */
void rest_exchange_start(h2o_req_t *req, const struct rest_route *route,
	const struct rpc_peer *peer, ProtobufCMessage *request);

/* Answers DEADLINE_EXCEEDED to the pending whose time is up; with all set, UNAVAILABLE to every
 * one. */
void rest_exchange_expire(struct rest_loop *loop, bool all);

/* A new mailbox for the loop, taking messages, or NULL when memory is short. */
struct rest_mailbox *rest_mailbox_open(struct rest_loop *loop);

/* Takes no more messages, and lets go of the calls that came back unread. The mailbox lives on
 * for the calls still out. The loop's thread only, while its loop still runs. */
void rest_mailbox_close(struct rest_mailbox *mailbox, struct rest_loop *loop);
