/* SPDX-License-Identifier: MIT */
/* Publishes events over an nng pub0 socket. */
#include "rpc/nng/publisher.h"

#include "rpc/nng/connections.h"
#include "rpc/nng/listen.h"
#include "rpc/nng/mend.h"
#include "rpc/nng/socket.h"

#include <errno.h>
#include <nng/protocol/pubsub0/pub.h>
#include <stdlib.h>
#include <string.h>

enum {
	SUBSCRIBERS = 512, /* over Unix sockets, and again over a network */
	SUBSCRIBER = 0x21, /* SP's number of who subscribes */
};

struct rpc_publisher {
	nng_socket socket;
	struct rpc_connections *connections;
	struct rpc_listeners *listeners;
};

int rpc_publisher_open(
	const char *url, gid_t ipc_gid, struct rpc_publisher **ret, struct fault *fault)
{
	const struct rpc_connections_config connections = {
		.places = SUBSCRIBERS, .peer_protocol = SUBSCRIBER};
	struct rpc_publisher *p = calloc(1, sizeof(*p));

	if (!p)
		return fault_set(fault, -ENOMEM, "out of memory");
	rpc_mend();
	int rc = nng_pub0_open(&p->socket);
	if (rc) {
		free(p);
		return fault_set(fault, -ENOMEM, "cannot open a socket: %s", nng_strerror(rc));
	}
	p->connections = rpc_connections_new(p->socket, &connections);
	const struct rpc_listen_config config = {.socket = p->socket,
		.connections = p->connections,
		.urls = url,
		.ipc_gid = ipc_gid};
	int result = p->connections ? rpc_listeners_open(&config, &p->listeners, fault)
				    : fault_set(fault, -ENOMEM, "out of memory");
	if (result < 0) {
		rpc_publisher_close(p);
		return result;
	}
	*ret = p;
	return 0;
}

int rpc_publisher_send(struct rpc_publisher *p, const char *topic, const ProtobufCMessage *message)
{
	size_t prefix = strlen(topic) + 1, len = protobuf_c_message_get_packed_size(message);
	nng_msg *msg;

	if (nng_msg_alloc(&msg, prefix + len) != 0)
		return -ENOMEM;
	memcpy(nng_msg_body(msg), topic, prefix);
	protobuf_c_message_pack(message, (uint8_t *)nng_msg_body(msg) + prefix);
	if (nng_sendmsg(p->socket, msg, NNG_FLAG_NONBLOCK) != 0)
		nng_msg_free(msg);
	return 0;
}

void rpc_publisher_close(struct rpc_publisher *p)
{
	if (!p)
		return;
	rpc_listeners_close(p->listeners);
	if (rpc_socket_close(p->socket))
		rpc_connections_free(p->connections);
	free(p);
}
