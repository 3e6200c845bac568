/* SPDX-License-Identifier: MIT */
/* A pool of threads for work that may block. */
#include "core/base/workers.h"

#include "core/base/clock.h"
#include "core/base/thread.h"

#include <stdlib.h>

struct piece {
	void (*run)(void *arg);
	void *arg;
};

struct workers {
	pthread_mutex_t mutex;
	pthread_cond_t work;  /* for idle threads */
	pthread_cond_t ended; /* for workers_drain and workers_free */
	bool stopping;
	unsigned max, n_threads, n_idle, n_busy;
	int64_t idle_ns;
	unsigned queue_size, queue_first, queue_count; /* a ring */
	struct piece *queue;
	/* The thread that left last. Who leaves joins the one before, so that there is never more
	 * than one that nobody has joined. */
	bool has_left;
	pthread_t left;
};

static void init_locks(struct workers *w)
{
	pthread_mutex_init(&w->mutex, NULL);
	thread_cond_init(&w->work);
	thread_cond_init(&w->ended);
}

struct workers *workers_new(unsigned max, unsigned queue, unsigned idle_ms)
{
	struct workers *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->max = max;
	w->idle_ns = idle_ms * NS_PER_MS;
	w->queue_size = max + queue; /* a piece for a thread just started waits there too */
	w->queue = calloc(w->queue_size, sizeof(*w->queue));
	init_locks(w);
	if (w->queue)
		return w;
	workers_free(w);
	return NULL;
}

static struct piece workers_take(struct workers *w)
{
	struct piece piece = w->queue[w->queue_first];

	w->queue_first = (w->queue_first + 1) % w->queue_size;
	w->queue_count--;
	return piece;
}

/* Waits for work. False after too long without any. Work may have come all the same: whoever leaves
 * looks for it once more, for a piece is given to a thread that counts as idle. */
static bool await_work(struct workers *w)
{
	w->n_idle++;
	bool woken = thread_wait(&w->work, &w->mutex, now_ns() + w->idle_ns);
	w->n_idle--;
	return woken;
}

static void run_one(struct workers *w)
{
	struct piece piece = workers_take(w);

	w->n_busy++;
	pthread_mutex_unlock(&w->mutex);
	piece.run(piece.arg);
	pthread_mutex_lock(&w->mutex);
	w->n_busy--;
	if (w->n_busy == 0 && w->queue_count == 0)
		pthread_cond_broadcast(&w->ended);
}

/* Nothing of the workers is touched once their mutex is let go of: they may be gone. */
static void workers_leave(struct workers *w)
{
	bool joins = w->has_left;
	pthread_t before = w->left;

	w->has_left = true;
	w->left = pthread_self();
	if (--w->n_threads == 0)
		pthread_cond_broadcast(&w->ended);
	pthread_mutex_unlock(&w->mutex);
	if (joins)
		pthread_join(before, NULL);
}

static void *workers_main(void *arg)
{
	struct workers *w = arg;
	bool wanted = true;

	pthread_mutex_lock(&w->mutex);
	while (w->queue_count > 0 || (wanted && !w->stopping)) {
		if (w->queue_count == 0) {
			wanted = await_work(w);
			continue;
		}
		run_one(w);
		wanted = true;
	}
	workers_leave(w);
	return NULL;
}

static bool start_thread(struct workers *w)
{
	pthread_t thread;
	bool started = thread_start(&thread, workers_main, w) == 0;

	w->n_threads += started;
	return started;
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
	bool in_time = true;

	pthread_mutex_lock(&w->mutex);
	w->stopping = true;
	pthread_cond_broadcast(&w->work);
	while (in_time && (w->n_busy > 0 || w->queue_count > 0))
		in_time = thread_wait(&w->ended, &w->mutex, deadline_ns);
	bool drained = w->n_busy == 0 && w->queue_count == 0;
	pthread_mutex_unlock(&w->mutex);
	return drained;
}

unsigned workers_count(struct workers *w)
{
	pthread_mutex_lock(&w->mutex);
	unsigned count = w->n_threads;
	pthread_mutex_unlock(&w->mutex);
	return count;
}

void workers_free(struct workers *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->mutex);
	while (w->n_threads > 0)
		pthread_cond_wait(&w->ended, &w->mutex);
	pthread_mutex_unlock(&w->mutex);
	if (w->has_left)
		pthread_join(w->left, NULL);
	pthread_cond_destroy(&w->ended);
	pthread_cond_destroy(&w->work);
	pthread_mutex_destroy(&w->mutex);
	free(w->queue);
	free(w);
}
