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

void thread_task_init(struct thread_task *task)
{
	*task = (struct thread_task){0};
	thread_cond_init(&task->changed);
}

void thread_task_start(struct thread_task *task, void *(*run)(void *), void *arg)
{
	if (!task->is_running && !task->must_end)
		task->is_running = thread_start(&task->thread, run, arg) == 0;
}

void thread_task_end(struct thread_task *task)
{
	task->has_ended = true;
	pthread_cond_broadcast(&task->changed);
}

bool thread_task_stop(struct thread_task *task, pthread_mutex_t *mutex, int64_t deadline_ns)
{
	bool must_join, in_time = true;

	pthread_mutex_lock(mutex);
	task->must_end = true;
	pthread_cond_broadcast(&task->changed);
	while (task->is_running && !task->has_ended && in_time)
		in_time = thread_wait(&task->changed, mutex, deadline_ns);
	must_join = task->is_running && task->has_ended;
	task->is_running &= !task->has_ended;
	in_time = !task->is_running;
	pthread_mutex_unlock(mutex);
	if (must_join)
		pthread_join(task->thread, NULL);
	return in_time;
}

void thread_task_destroy(struct thread_task *task)
{
	pthread_cond_destroy(&task->changed);
}
