/* SPDX-License-Identifier: MIT */
/* Starting threads, and waiting for a condition until a deadline. */
#include "core/base/thread.h"

#include "core/base/clock.h"

#include <signal.h>

int thread_start(pthread_t *ret, void *(*run)(void *), void *arg)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(ret, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -error;
}

void thread_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t monotonic;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

bool thread_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline_ns)
{
	const struct timespec until = clock_timespec(deadline_ns);

	return deadline_ns == INT64_MAX ? pthread_cond_wait(cond, mutex) == 0
					: pthread_cond_timedwait(cond, mutex, &until) == 0;
}
