/* SPDX-License-Identifier: MIT */
/*
 * The REST face: HTTP/1.1 in front of services.
 *
 * One event loop a thread, all on one listening socket. A request is judged (head, Host, address,
 * key), routed by the generated table, turned into a message by its descriptor and given to the
 * service; a service that answers at once is answered on the same thread, without a hop.
 */
#pragma once

#include "core/base/fault.h"
#include "rest/access.h"
#include "rpc/service/call.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* These limits are in docs/operations.md, "HTTP". Longest request body, in bytes. */
#define REST_BODY_MAX 131072

/* Requests in a row that a client may send without waiting for the answer to the one before; the
 * answer to the next is its connection's last. */
#define REST_PIPELINED_MAX 256

/* How long a connection may be idle, then a head may take to come, and then its body. */
#define REST_PATIENCE_MS 10000

/* Most memory that an event loop holds for requests that are not whole. */
#define REST_LOOP_BYTES_MAX (8 << 20)

/* What a server needs. All it points to is the caller's and must outlive the server; services,
 * details and rights must live until the last call they were given has ended. */
struct rest_config {
	int listen_fd;	  /* listening stream socket; stays the caller's, who may close it */
	unsigned threads; /* event loops; 0: one a CPU that this process may use */
	unsigned max_connections; /* of all loops together; 0: 1024 */
	uint32_t timeout_ms;	  /* how long a client waits; 0: the default of each method */
	bool loopback;		  /* the listener is loopback: Host must name a loopback host */
	bool anyone_may_change;	  /* without a key, a change is let through, whoever asks */
	bool ask_owner;		  /* without a key, the owner of the other end of a connection has
				     that user's rights: the kernel is asked at accept */
	const struct rest_access *access;
	ProtobufCService *const *services;		  /* NULL-terminated */
	const ProtobufCMessageDescriptor *const *details; /* types of error details; NULL-terminated
							     or NULL */
	const struct rpc_rights *rights;		  /* which users may change devices, for
							     ask_owner; NULL: root alone */
	const struct rpc_observer *observer;		  /* told of changes; NULL: nobody */
};

struct rest_server;

/* Starts the threads and serves from then on. The threads block all signals. 0 and *ret, freed
 * with rest_server_free; or a negative errno with the fault set. */
int rest_server_start(
	const struct rest_config *config, struct rest_server **ret, struct fault *fault);

/* Waits until every event loop has come round: how long that takes tells whether it serves. Not
 * from a loop's thread, nor while the server is being stopped. */
void rest_server_ping(struct rest_server *server);

/* Stops: accepts no more, closes idle connections, answers the requests in flight, and after
 * grace_ms answers those still waiting UNAVAILABLE. Returns when all threads have ended, shortly
 * after the grace at the latest, whatever the services do: a call still with its service lives
 * on until it is done, then goes without a trace. Not from a loop's thread. A second call does
 * nothing. */
void rest_server_stop(struct rest_server *server, uint32_t grace_ms);

/* Stops without grace if still running, and frees; NULL is fine. Returns NULL. */
struct rest_server *rest_server_free(struct rest_server *server);
