/* SPDX-License-Identifier: MIT */
/* A vfiod of the doors' own, on a simulated host, and what it answers as long as all is well. */
#pragma once

#include "tests/contract/daemon.h"

#include <stdint.h>

#define HTTP_HOST "Host: localhost\r\n"
#define HTTP_JSON "Content-Type: application/json\r\n"

enum ground_door { DOOR_IPC, DOOR_TCP, DOOR_HTTP };

struct ground {
	struct daemon *daemon;
};

/* Starts vfiod, with its RPC on both transports, on the host that the contract speaks of; aborts
 * when it does not come up. With one_heap, its threads have no heaps of their own, in whose unused
 * memory a loss would hide. */
void ground_open(struct ground *ground, const char *vfiod, bool one_heap);

/* Ends both; vfiod's exit status, or -1 when it had none or kept its place for too long. */
int ground_close(struct ground *ground);

/* Writes one line to the simulated host's control file. */
void ground_control(const struct ground *ground, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A connection to a door, without a handshake; reads fail after twenty seconds. */
int ground_connect(const struct ground *ground, enum ground_door door);

/* Hangs up all connections that were kept. */
void ground_hang_up(struct ground *ground);

/* Answers to a fixed list of requests over both doors, as one text. False with why set. */
bool ground_answers(struct ground *ground, struct bytes *ret, struct why *why);

/* Sends an HTTP request over a connection of its own, closed after the answer. */
bool ground_http(
	const struct ground *ground, const char *request, struct http_answer *ret, struct why *why);

/* A POST of JSON to a path below the devices', with its Content-Length. */
void ground_post(struct bytes *out, const char *operation, const char *json);
