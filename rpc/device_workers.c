/* SPDX-License-Identifier: MIT */
/* Threads for work that may block. */
#include "rpc/device_workers.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

struct piece {
	void (*run)(void *arg);
	void *arg;
};

struct workers {
	pthread_mutex_t mutex;
	pthread_cond_t work;  /* for idle threads */
	pthread_cond_t ended; /* for workers_drain */
	bool stopping;
	unsigned max, n_threads, n_idle, n_busy;
	unsigned queue_size, queue_first, queue_count; /* a ring */
	pthread_t *threads;
	struct piece *queue;
};

struct workers *workers_new(unsigned max, unsigned queue)
{
	struct workers *w = calloc(1, sizeof(*w));
	pthread_condattr_t attr;

	if (!w)
		return NULL;
	w->max = max;
	w->queue_size = max + queue; /* a piece for a thread just started waits there too */
	w->threads = calloc(max, sizeof(*w->threads));
	w->queue = calloc(w->queue_size, sizeof(*w->queue));
	pthread_mutex_init(&w->mutex, NULL);
	pthread_cond_init(&w->work, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->ended, &attr);
	pthread_condattr_destroy(&attr);
	if (w->threads && w->queue)
		return w;
	workers_free(w);
	return NULL;
}

static struct piece take(struct workers *w)
{
	struct piece piece = w->queue[w->queue_first];

	w->queue_first = (w->queue_first + 1) % w->queue_size;
	w->queue_count--;
	return piece;
}

static void *work(void *arg)
{
	struct workers *w = arg;

	pthread_mutex_lock(&w->mutex);
	while (w->queue_count > 0 || !w->stopping) {
		if (w->queue_count == 0) {
			w->n_idle++;
			pthread_cond_wait(&w->work, &w->mutex);
			w->n_idle--;
			continue;
		}
		struct piece piece = take(w);
		w->n_busy++;
		pthread_mutex_unlock(&w->mutex);
		piece.run(piece.arg);
		pthread_mutex_lock(&w->mutex);
		w->n_busy--;
		if (w->n_busy == 0 && w->queue_count == 0)
			pthread_cond_broadcast(&w->ended);
	}
	pthread_mutex_unlock(&w->mutex);
	return NULL;
}

/* Signals are for main's thread alone. */
static bool start_thread(struct workers *w)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&w->threads[w->n_threads], NULL, work, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	w->n_threads += !error;
	return !error;
}

bool workers_submit(struct workers *w, void (*run)(void *arg), void *arg)
{
	pthread_mutex_lock(&w->mutex);
	bool ok = !w->stopping && w->queue_count < w->queue_size;
	if (ok && w->n_idle <= w->queue_count && w->n_threads < w->max)
		ok = start_thread(w) || w->n_threads > 0;
	if (ok) {
		w->queue[(w->queue_first + w->queue_count++) % w->queue_size] =
			(struct piece){run, arg};
		pthread_cond_signal(&w->work);
	}
	pthread_mutex_unlock(&w->mutex);
	return ok;
}

bool workers_drain(struct workers *w, int64_t deadline_ns)
{
	struct timespec until = {
		.tv_sec = deadline_ns / 1000000000, .tv_nsec = deadline_ns % 1000000000};
	int error = 0;

	pthread_mutex_lock(&w->mutex);
	w->stopping = true;
	pthread_cond_broadcast(&w->work);
	while (!error && (w->n_busy > 0 || w->queue_count > 0))
		error = pthread_cond_timedwait(&w->ended, &w->mutex, &until);
	bool drained = w->n_busy == 0 && w->queue_count == 0;
	pthread_mutex_unlock(&w->mutex);
	return drained;
}

void workers_free(struct workers *w)
{
	if (!w)
		return;
	for (unsigned i = 0; w->threads && i < w->n_threads; i++)
		pthread_join(w->threads[i], NULL);
	pthread_cond_destroy(&w->ended);
	pthread_cond_destroy(&w->work);
	pthread_mutex_destroy(&w->mutex);
	free(w->queue);
	free(w->threads);
	free(w);
}
