/* SPDX-License-Identifier: MIT */
/* Starting threads, and waiting for a condition until a deadline. */
#pragma once

#include <pthread.h>
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
