/* SPDX-License-Identifier: MIT */
/* Good clients: each asks for information on one device at a steady pace, and how long it took. */
#pragma once

#include "tests/contract/daemon.h"

#include <stddef.h>
#include <stdint.h>

/* Those that keep one connection, and those that make one a request. */
enum good_client {
	GOOD_REST_KEPT,
	GOOD_REST_NEW,
	GOOD_IPC_KEPT,
	GOOD_IPC_NEW,
	GOOD_TCP_KEPT,
	GOOD_TCP_NEW,
	GOOD_CLIENTS,
};

struct good_request {
	int64_t sent_ns, took_ns;
	bool failed; /* no right answer within five seconds */
};

struct good_requests {
	struct good_request *items;
	size_t count, room;
	struct why why; /* the first failure; empty: none */
};

struct good;

/* Starts those whose bits (1 << client) are set. */
struct good *good_start(const struct daemon *server, unsigned wanted);

/* Waits for the end of the requests under way. */
void good_stop(struct good *good);

/* What a client did; the good's, once stopped. */
const struct good_requests *good_of(const struct good *good, enum good_client client);

void good_free(struct good *good);

const char *good_name(enum good_client client);

/* Time from one request of a client's to the next, as long as answers come. */
int64_t good_pace_ns(enum good_client client);
