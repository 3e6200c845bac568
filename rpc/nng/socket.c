/* SPDX-License-Identifier: MIT */
/* Closes an nng socket within a bounded time. */
#include "rpc/nng/socket.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

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
	pthread_condattr_t monotonic;

	if (!closing)
		return NULL;
	closing->socket = socket;
	pthread_mutex_init(&closing->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&closing->cond, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return closing;
}

static bool closing_wait(struct closing *closing)
{
	struct timespec until;
	bool done;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += CLOSE_S;
	pthread_mutex_lock(&closing->lock);
	while (!closing->done && r == 0)
		r = pthread_cond_timedwait(&closing->cond, &closing->lock, &until);
	done = closing->done;
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

	if (!closing || pthread_create(&closer, NULL, closing_main, closing) != 0) {
		if (closing)
			closing_free(closing);
		nng_close(socket);
		return true;
	}
	pthread_detach(closer);
	return closing_wait(closing);
}
