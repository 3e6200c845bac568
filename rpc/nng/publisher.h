/* SPDX-License-Identifier: MIT */
/* Events for whoever listens: an nng pub0 socket (docs/rpc.md, "Events"). */
#pragma once

#include "core/base/fault.h"

#include <protobuf-c/protobuf-c.h>
#include <sys/types.h>

struct rpc_publisher;

/* Publishes at the URL (ipc:// or loopback tcp://); ipc_gid owns an ipc socket beside us, (gid_t)-1
 * for our own group. 0, or a negative errno with a sentence in fault. */
int rpc_publisher_open(
	const char *url, gid_t ipc_gid, struct rpc_publisher **ret, struct fault *fault);

/* Publishes a message under a topic. Thread-safe; never blocks: a subscriber that does not keep up
 * loses messages. 0, or -ENOMEM. */
int rpc_publisher_send(
	struct rpc_publisher *publisher, const char *topic, const ProtobufCMessage *message);

/* Closes the socket; NULL is fine. */
void rpc_publisher_close(struct rpc_publisher *publisher);
