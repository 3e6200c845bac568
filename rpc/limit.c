/* SPDX-License-Identifier: MIT */
/* A bound on the connections of an nng socket. */
#include "rpc/limit.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

enum { KINDS = 2 };

struct rpc_limit {
	pthread_mutex_t lock;
	unsigned connections;
	int *pipes[KINDS]; /* their ids, 0 for a free place; over Unix sockets, over a network */
};

static bool replace(int *ids, unsigned count, int old, int id)
{
	for (unsigned i = 0; i < count; i++) {
		if (ids[i] != old)
			continue;
		ids[i] = id;
		return true;
	}
	return false;
}

static void on_arrival(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
	struct rpc_limit *limit = arg;
	nng_sockaddr address = {0};
	bool network, fits;

	(void)event;
	nng_pipe_get_addr(pipe, NNG_OPT_REMADDR, &address);
	network = address.s_family != NNG_AF_IPC;
	pthread_mutex_lock(&limit->lock);
	fits = replace(limit->pipes[network], limit->connections, 0, nng_pipe_id(pipe));
	pthread_mutex_unlock(&limit->lock);
	if (!fits)
		nng_pipe_close(pipe);
}

/* By now nng no longer tells of what kind it was. */
static void on_departure(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
	struct rpc_limit *limit = arg;

	(void)event;
	pthread_mutex_lock(&limit->lock);
	if (!replace(limit->pipes[0], limit->connections, nng_pipe_id(pipe), 0))
		replace(limit->pipes[1], limit->connections, nng_pipe_id(pipe), 0);
	pthread_mutex_unlock(&limit->lock);
}

struct rpc_limit *rpc_limit_new(nng_socket socket, unsigned connections)
{
	struct rpc_limit *limit = calloc(1, sizeof(*limit));

	if (!limit)
		return NULL;
	pthread_mutex_init(&limit->lock, NULL);
	limit->connections = connections;
	for (int i = 0; i < KINDS; i++)
		limit->pipes[i] = calloc(connections, sizeof(*limit->pipes[i]));
	if (!limit->pipes[0] || !limit->pipes[1] ||
		nng_pipe_notify(socket, NNG_PIPE_EV_ADD_PRE, on_arrival, limit) != 0 ||
		nng_pipe_notify(socket, NNG_PIPE_EV_REM_POST, on_departure, limit) != 0) {
		rpc_limit_free(limit);
		return NULL;
	}
	return limit;
}

void rpc_limit_free(struct rpc_limit *limit)
{
	if (!limit)
		return;
	for (int i = 0; i < KINDS; i++)
		free(limit->pipes[i]);
	pthread_mutex_destroy(&limit->lock);
	free(limit);
}
