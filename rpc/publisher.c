/* SPDX-License-Identifier: MIT */
/* Events for whoever listens. */
#include "rpc/publisher.h"

#include "rpc/listen.h"

#include <errno.h>
#include <nng/protocol/pubsub0/pub.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LOOK_NS = 100000000 };

struct rpc_publisher {
	nng_socket socket;
	struct rpc_listeners *listeners;
	pthread_t keeper;
	bool has_keeper, stopping;
	pthread_mutex_t mutex;
	pthread_cond_t stop;
};

static void *keep(void *arg)
{
	struct rpc_publisher *p = arg;
	struct timespec until;
	bool needed = true;

	pthread_mutex_lock(&p->mutex);
	while (needed && !p->stopping) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += LOOK_NS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		if (pthread_cond_timedwait(&p->stop, &p->mutex, &until) == ETIMEDOUT)
			needed = rpc_listeners_look(p->listeners);
	}
	pthread_mutex_unlock(&p->mutex);
	return NULL;
}

static void init_locks(struct rpc_publisher *p)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&p->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->stop, &attr);
	pthread_condattr_destroy(&attr);
}

int rpc_publisher_open(
	const char *url, gid_t ipc_gid, struct rpc_publisher **ret, char error[RPC_TEXT_ERROR])
{
	struct rpc_publisher *p = calloc(1, sizeof(*p));

	if (!p)
		return rpc_text_refuse(error, -ENOMEM, "out of memory");
	init_locks(p);
	int rc = nng_pub0_open(&p->socket);
	if (rc) {
		pthread_cond_destroy(&p->stop);
		pthread_mutex_destroy(&p->mutex);
		free(p);
		return rpc_text_refuse(
			error, -ENOMEM, "cannot open a socket: %s", nng_strerror(rc));
	}
	const struct rpc_listen_config config = {
		.socket = p->socket, .urls = url, .ipc_gid = ipc_gid};
	int result = rpc_listeners_open(&config, &p->listeners, error);
	if (result == 0) {
		p->has_keeper = pthread_create(&p->keeper, NULL, keep, p) == 0;
		if (!p->has_keeper)
			result = rpc_text_refuse(error, -EAGAIN, "cannot start a thread");
	}
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
	if (p->has_keeper) {
		pthread_mutex_lock(&p->mutex);
		p->stopping = true;
		pthread_cond_signal(&p->stop);
		pthread_mutex_unlock(&p->mutex);
		pthread_join(p->keeper, NULL);
	}
	rpc_listeners_close(p->listeners);
	nng_close(p->socket);
	pthread_cond_destroy(&p->stop);
	pthread_mutex_destroy(&p->mutex);
	free(p);
}
