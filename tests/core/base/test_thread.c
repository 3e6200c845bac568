/* SPDX-License-Identifier: MIT */
/* Threads that leave signals to main's, and waiting until a deadline. */
#include "core/base/thread.h"

#include "core/base/clock.h"
#include "tests/core/test.h"

#include <errno.h>
#include <signal.h>

struct box {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool filled;
	int blocked; /* whether SIGTERM is, in the thread */
};

static void box_init(struct box *box)
{
	*box = (struct box){0};
	pthread_mutex_init(&box->mutex, NULL);
	thread_cond_init(&box->changed);
}

static void box_destroy(struct box *box)
{
	pthread_cond_destroy(&box->changed);
	pthread_mutex_destroy(&box->mutex);
}

static void *fill(void *arg)
{
	struct box *box = arg;
	sigset_t mask;

	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	pthread_mutex_lock(&box->mutex);
	box->blocked = sigismember(&mask, SIGTERM);
	box->filled = true;
	pthread_cond_signal(&box->changed);
	pthread_mutex_unlock(&box->mutex);
	return NULL;
}

static void expect_filled(int64_t deadline_ns)
{
	pthread_t thread;
	struct box box;
	bool in_time = true;

	box_init(&box);
	pthread_mutex_lock(&box.mutex);
	assert_int_equal(thread_start(&thread, fill, &box), 0);
	while (!box.filled && in_time)
		in_time = thread_wait(&box.changed, &box.mutex, deadline_ns);
	assert_true(box.filled);
	assert_int_equal(box.blocked, 1);
	pthread_mutex_unlock(&box.mutex);
	assert_int_equal(pthread_join(thread, NULL), 0);
	box_destroy(&box);
}

static void test_signalled_before_the_deadline(void **state)
{
	(void)state;
	expect_filled(now_ns() + 60 * NS_PER_S);
	expect_filled(INT64_MAX);
}

static void test_only_the_thread_blocks_signals(void **state)
{
	sigset_t mask;

	(void)state;
	expect_filled(INT64_MAX);
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	assert_int_equal(sigismember(&mask, SIGTERM), 0);
}

static void test_deadline_passes(void **state)
{
	int64_t begun = now_ns(), deadline = begun + 20 * NS_PER_MS;
	struct box box;

	(void)state;
	box_init(&box);
	pthread_mutex_lock(&box.mutex);
	while (thread_wait(&box.changed, &box.mutex, deadline))
		continue;
	assert_true(now_ns() >= deadline);
	assert_true(now_ns() < begun + 60 * NS_PER_S); /* the same clock */
	assert_false(thread_wait(&box.changed, &box.mutex, begun));
	assert_int_equal(pthread_mutex_trylock(&box.mutex), EBUSY);
	pthread_mutex_unlock(&box.mutex);
	box_destroy(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signalled_before_the_deadline),
		cmocka_unit_test(test_only_the_thread_blocks_signals),
		cmocka_unit_test(test_deadline_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
