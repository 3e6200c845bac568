/* SPDX-License-Identifier: MIT */
/* Worker threads: as many as there is work for, none when there is none for a while. */
#include "core/base/workers.h"

#include "core/base/clock.h"
#include "core/base/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

enum {
	THREADS = 8,
	QUEUE = 4,
	IDLE_MS = 20,
	LONG_MS = 3600 * 1000,
	PATIENCE_MS = 30000, /* for what takes some milliseconds on a quiet machine */
};

/* A gate that pieces wait at, and how many have come and gone. */
struct gate {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool is_open;
	unsigned waiting, through;
};

static void gate_init(struct gate *g)
{
	*g = (struct gate){0};
	pthread_mutex_init(&g->mutex, NULL);
	thread_cond_init(&g->changed);
}

static void pass(void *arg)
{
	struct gate *g = arg;

	pthread_mutex_lock(&g->mutex);
	g->waiting++;
	pthread_cond_broadcast(&g->changed);
	while (!g->is_open)
		pthread_cond_wait(&g->changed, &g->mutex);
	g->waiting--;
	g->through++;
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->mutex);
}

static void open_gate(struct gate *g, bool is_open)
{
	pthread_mutex_lock(&g->mutex);
	g->is_open = is_open;
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->mutex);
}

static void await(struct gate *g, const unsigned *count, unsigned wanted)
{
	int64_t until = now_ns() + PATIENCE_MS * NS_PER_MS;
	bool in_time = true;

	pthread_mutex_lock(&g->mutex);
	while (in_time && *count < wanted)
		in_time = thread_wait(&g->changed, &g->mutex, until);
	pthread_mutex_unlock(&g->mutex);
	assert_true(in_time);
}

/* Nobody tells when a thread ends. */
static void await_threads(struct workers *w, unsigned wanted)
{
	const struct timespec pause = {.tv_nsec = NS_PER_MS};
	int64_t until = now_ns() + PATIENCE_MS * NS_PER_MS;

	while (workers_count(w) != wanted && now_ns() < until)
		nanosleep(&pause, NULL);
	assert_int_equal(workers_count(w), wanted);
}

static void stop(struct workers *w)
{
	assert_true(workers_drain(w, now_ns() + PATIENCE_MS * NS_PER_MS));
	workers_free(w);
}

/* All threads at once, then a full queue behind them. */
static void burst(struct workers *w, struct gate *g)
{
	unsigned before = g->through;

	for (unsigned i = 0; i < THREADS; i++)
		assert_true(workers_submit(w, pass, g));
	await(g, &g->waiting, THREADS);
	assert_int_equal(workers_count(w), THREADS);
	for (unsigned i = 0; i < THREADS + QUEUE; i++)
		assert_true(workers_submit(w, pass, g));
	assert_false(workers_submit(w, pass, g));
	open_gate(g, true);
	await(g, &g->through, before + 2 * THREADS + QUEUE);
	open_gate(g, false);
}

static void idle_threads_end_and_come_again(void **state)
{
	struct workers *w = workers_new(THREADS, QUEUE, IDLE_MS);
	struct gate gate;

	(void)state;
	gate_init(&gate);
	assert_int_equal(workers_count(w), 0);
	for (int i = 0; i < 3; i++) {
		burst(w, &gate);
		await_threads(w, 0);
	}
	stop(w);
}

static void threads_stay_while_they_may(void **state)
{
	struct workers *w = workers_new(THREADS, QUEUE, LONG_MS);
	const struct timespec pause = {.tv_nsec = 5 * IDLE_MS * NS_PER_MS};
	struct gate gate;

	(void)state;
	gate_init(&gate);
	burst(w, &gate);
	nanosleep(&pause, NULL); /* that nothing happens cannot be waited for */
	assert_int_equal(workers_count(w), THREADS);
	stop(w);
}

/* Work that comes just as a thread's time is up is done by that thread or by a new one. */
static void no_work_is_lost_as_a_thread_leaves(void **state)
{
	struct workers *w = workers_new(2, 2, 1);
	struct gate gate;

	(void)state;
	gate_init(&gate);
	open_gate(&gate, true);
	for (unsigned i = 0; i < 500; i++) {
		/* From a bit before a millisecond to a bit behind it. */
		const struct timespec pause = {.tv_nsec = 800000 + i * 7919 % 500000};

		assert_true(workers_submit(w, pass, &gate));
		await(&gate, &gate.through, 2 * i + 1);
		assert_true(workers_submit(w, pass, &gate));
		await(&gate, &gate.through, 2 * i + 2);
		nanosleep(&pause, NULL);
	}
	stop(w);
	assert_int_equal(gate.through, 1000);
}

static void draining_waits_for_what_is_under_way(void **state)
{
	struct workers *w = workers_new(THREADS, QUEUE, IDLE_MS);
	struct gate gate;

	(void)state;
	gate_init(&gate);
	assert_true(workers_submit(w, pass, &gate));
	await(&gate, &gate.waiting, 1);
	assert_false(workers_drain(w, now_ns() + NS_PER_MS));
	assert_false(workers_submit(w, pass, &gate));
	open_gate(&gate, true);
	stop(w);
	assert_int_equal(gate.through, 1);
}

static void workers_that_never_worked_are_freed(void **state)
{
	(void)state;
	workers_free(NULL);
	workers_free(workers_new(THREADS, QUEUE, IDLE_MS));
	stop(workers_new(THREADS, QUEUE, IDLE_MS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_threads_end_and_come_again),
		cmocka_unit_test(threads_stay_while_they_may),
		cmocka_unit_test(no_work_is_lost_as_a_thread_leaves),
		cmocka_unit_test(draining_waits_for_what_is_under_way),
		cmocka_unit_test(workers_that_never_worked_are_freed),
	};

	return cmocka_run_group_tests_name("rpc/workers", tests, NULL, NULL);
}
