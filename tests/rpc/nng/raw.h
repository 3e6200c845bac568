/* SPDX-License-Identifier: MIT */
/* A client of the SP wire that knows nothing of nng: what any other language would write. */
#pragma once

#include "rpc/nng/envelope.h"

#include <stdbool.h>

/* Connects to "ipc://…" or "tcp://127.0.0.1:…" without a handshake. */
int raw_connect(const char *url);

/* The same, or -1: for when the listener may be busy or gone. Connecting, sending and receiving
 * then each fail after so many seconds (0: never). */
int raw_try_connect(const char *url, unsigned seconds);

/* Connects and shakes hands as a REQ socket. -1: the connection was lost. */
int raw_open(const char *url);

/* The same, with limits as those of raw_try_connect. */
int raw_try_open(const char *url, unsigned seconds);

/* Sends one frame: a request id and a body. ipc tells how frames begin. */
void raw_send(int fd, bool ipc, uint32_t id, const void *body, size_t len);

/* Receives one frame into a heap buffer; the id is checked. Empty data: the connection ended. */
struct rpc_bytes raw_receive(int fd, bool ipc, uint32_t id);

/* Sends a body over a new connection and returns the decoded reply. NULL: the connection was lost.
 */
Rpc__V1__Response *raw_try_call(const char *url, const void *body, size_t len);

/* The same, for when nothing excuses a lost connection. */
Rpc__V1__Response *raw_call(const char *url, const void *body, size_t len);

/* A Request's bytes. Metadata is a key and its value, or NULL. */
struct rpc_bytes raw_request(const char *method, const ProtobufCMessage *message,
	const char *request_id, uint32_t timeout_ms, const char *const metadata[2]);
