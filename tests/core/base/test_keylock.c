/* SPDX-License-Identifier: MIT */
/* Locks by number. */
#include "core/base/clock.h"
#include "core/base/keylock.h"
#include "tests/core/test.h"

#include <errno.h>
#include <stdlib.h>

static void others_keys_do_not_matter(void **state)
{
	const uint64_t a[] = {1, 2}, b[] = {3, 4};
	struct keylock_hold x, y;
	struct keylock lock;

	(void)state;
	keylock_init(&lock);
	assert_int_equal(keylock_acquire(&lock, &x, a, 2, now_ns() + NS_PER_S), 0);
	assert_int_equal(keylock_acquire(&lock, &y, b, 2, now_ns() + NS_PER_S), 0);
	keylock_release(&lock, &x); /* not the newest first */
	keylock_release(&lock, &y);
	keylock_destroy(&lock);
}

static void one_shared_key_is_waited_for_until_the_deadline(void **state)
{
	const uint64_t a[] = {1, 2}, b[] = {2, 3};
	struct keylock_hold x, y;
	struct keylock lock;

	(void)state;
	keylock_init(&lock);
	assert_int_equal(keylock_acquire(&lock, &x, a, 2, now_ns() + NS_PER_S), 0);
	int64_t begun = now_ns();
	assert_int_equal(keylock_acquire(&lock, &y, b, 2, begun + NS_PER_S / 50), -ETIMEDOUT);
	assert_true(now_ns() - begun >= NS_PER_S / 50);
	/* Who timed out holds nothing. */
	const uint64_t c[] = {3};
	assert_int_equal(keylock_acquire(&lock, &y, c, 1, now_ns() + NS_PER_S), 0);
	keylock_release(&lock, &y);
	keylock_release(&lock, &x);
	assert_int_equal(keylock_acquire(&lock, &y, b, 2, now_ns() + NS_PER_S), 0);
	keylock_release(&lock, &y);
	keylock_destroy(&lock);
}

static void a_deadline_in_the_past_still_takes_what_is_free(void **state)
{
	const uint64_t a[] = {1};
	struct keylock_hold x, y;
	struct keylock lock;

	(void)state;
	keylock_init(&lock);
	assert_int_equal(keylock_acquire(&lock, &x, a, 1, 0), 0);
	assert_int_equal(keylock_acquire(&lock, &y, a, 1, 0), -ETIMEDOUT);
	keylock_release(&lock, &x);
	keylock_destroy(&lock);
}

enum { KEYS = 5, ROUNDS = 3000, THREADS = 4 };

struct crowd {
	struct keylock lock;
	int inside[KEYS]; /* plain on purpose: the lock is what keeps them whole */
};

static void *mingle(void *arg)
{
	struct crowd *crowd = arg;
	unsigned seed = (unsigned)(uintptr_t)&seed;

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t first = (uint64_t)rand_r(&seed) % KEYS;
		/* Two keys in either order: taking one after the other would deadlock. */
		uint64_t keys[] = {
			first, (first + 1 + (uint64_t)rand_r(&seed) % (KEYS - 1)) % KEYS};
		struct keylock_hold hold;

		if (keylock_acquire(&crowd->lock, &hold, keys, 2, now_ns() + 60 * NS_PER_S))
			return "timed out";
		for (int k = 0; k < 2; k++) {
			if (crowd->inside[keys[k]]++ != 0)
				return "two at a time";
		}
		for (int k = 0; k < 2; k++)
			crowd->inside[keys[k]]--;
		keylock_release(&crowd->lock, &hold);
	}
	return NULL;
}

static void a_crowd_is_kept_apart_and_never_deadlocks(void **state)
{
	struct crowd crowd = {0};
	pthread_t threads[THREADS];
	void *complaint;

	(void)state;
	keylock_init(&crowd.lock);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, mingle, &crowd), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &complaint);
		if (complaint)
			fail_msg("%s", (char *)complaint);
	}
	assert_null(crowd.lock.holds);
	keylock_destroy(&crowd.lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(others_keys_do_not_matter),
		cmocka_unit_test(one_shared_key_is_waited_for_until_the_deadline),
		cmocka_unit_test(a_deadline_in_the_past_still_takes_what_is_free),
		cmocka_unit_test(a_crowd_is_kept_apart_and_never_deadlocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
