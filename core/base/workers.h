/* SPDX-License-Identifier: MIT */
/* A pool of threads for work that may block. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct workers;

/* Threads are started as work comes, up to max, and each ends when it had none for idle_ms; queue
 * more pieces may wait. NULL when memory is short. */
struct workers *workers_new(unsigned max, unsigned queue, unsigned idle_ms);

/* How many threads there are. */
unsigned workers_count(struct workers *workers);

/* Has a thread call run(arg). False when the queue is full, the workers are stopping, or no thread
 * can be had: run is not called then. Never blocks. */
bool workers_submit(struct workers *workers, void (*run)(void *arg), void *arg);

/* Takes no more work and waits, at most until deadline_ns (CLOCK_MONOTONIC), until all has ended.
 * True when it has. */
bool workers_drain(struct workers *workers, int64_t deadline_ns);

/* Waits for the threads of drained workers to end and frees them; NULL is fine. */
void workers_free(struct workers *workers);
