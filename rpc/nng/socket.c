/* SPDX-License-Identifier: MIT */
/* Closes an nng socket within a bounded time. */
#include "rpc/nng/socket.h"

#include "core/base/clock.h"
#include "core/base/thread.h"

#include <stdlib.h>

enum { CLOSE_S = 2 };

/* Belongs to the closer until that is done, and then to the waiter, unless it has gone. */
struct closing {
	nng_socket socket;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool done;
	bool alone; /* nobody waits any more */
};

static void closing_free(struct closing *closing)
{
	pthread_cond_destroy(&closing->cond);
	pthread_mutex_destroy(&closing->lock);
	free(closing);
}

static void *closing_main(void *arg)
{
	struct closing *closing = arg;
	bool alone;

	nng_close(closing->socket);
	pthread_mutex_lock(&closing->lock);
	closing->done = true;
	alone = closing->alone;
	pthread_cond_signal(&closing->cond);
	pthread_mutex_unlock(&closing->lock);
	if (alone)
		closing_free(closing);
	return NULL;
}

static struct closing *closing_new(nng_socket socket)
{
	struct closing *closing = calloc(1, sizeof(*closing));

	if (!closing)
		return NULL;
	closing->socket = socket;
	pthread_mutex_init(&closing->lock, NULL);
	thread_cond_init(&closing->cond);
	return closing;
}

static bool closing_wait(struct closing *closing)
{
	int64_t until_ns = now_ns() + CLOSE_S * NS_PER_S;
	bool in_time = true;

	pthread_mutex_lock(&closing->lock);
	while (!closing->done && in_time)
		in_time = thread_wait(&closing->cond, &closing->lock, until_ns);
	bool done = closing->done;
	closing->alone = !done;
	pthread_mutex_unlock(&closing->lock);
	if (done)
		closing_free(closing);
	return done;
}

bool rpc_socket_close(nng_socket socket)
{
	struct closing *closing = closing_new(socket);
	pthread_t closer;

	if (!closing || thread_start(&closer, closing_main, closing) < 0) {
		if (closing)
			closing_free(closing);
		nng_close(socket);
		return true;
	}
	pthread_detach(closer);
	return closing_wait(closing);
}
