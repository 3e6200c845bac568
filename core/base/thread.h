/* SPDX-License-Identifier: MIT */
/* Starting threads, and waiting for a condition until a deadline. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Starts a thread with all signals blocked: they are for main's thread alone. 0, or a negative
 * errno. */
int thread_start(pthread_t *ret, void *(*run)(void *), void *arg);

/* Sets up a condition for thread_wait. Never fails. */
void thread_cond_init(pthread_cond_t *cond);

/* Waits until the condition is signalled. The mutex is held. True when woken, perhaps for no
 * reason; false when the deadline has passed (now_ns(); INT64_MAX: none). */
bool thread_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline_ns);

/* A thread that starts when it is first needed, and can be told to end. One mutex, the owner's,
 * guards it; the thread may read must_end without. */
struct thread_task {
	pthread_t thread;
	pthread_cond_t changed; /* also the owner's, for what the thread waits for */
	atomic_bool must_end;
	bool is_running, has_ended;
};

void thread_task_init(struct thread_task *task);

/* Starts the thread unless it runs or must end. The mutex is held. */
void thread_task_start(struct thread_task *task, void *(*run)(void *), void *arg);

/* The last thing that the thread does with the task. The mutex is held. */
void thread_task_end(struct thread_task *task);

/* Tells the thread to end, and waits for it until the deadline (now_ns()). False: it still runs.
 * The mutex is not held. */
bool thread_task_stop(struct thread_task *task, pthread_mutex_t *mutex, int64_t deadline_ns);

/* Of one that does not run. */
void thread_task_destroy(struct thread_task *task);
