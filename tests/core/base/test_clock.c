/* SPDX-License-Identifier: MIT */
/* Nanoseconds and what libc takes. */
#include "core/base/clock.h"

#include "tests/core/test.h"

static void test_timespec(void **state)
{
	struct timespec ts = clock_timespec(3 * NS_PER_S + 5 * NS_PER_MS + 9);

	(void)state;
	assert_int_equal(ts.tv_sec, 3);
	assert_int_equal(ts.tv_nsec, 5000009);
}

static void test_now_is_monotonic(void **state)
{
	const struct timespec pause = clock_timespec(NS_PER_MS);
	struct timespec ts;
	int64_t before = now_ns();

	(void)state;
	clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	int64_t after = now_ns();
	assert_true(after - before >= NS_PER_MS);
	assert_true(ts.tv_sec >= before / NS_PER_S && ts.tv_sec <= after / NS_PER_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timespec),
		cmocka_unit_test(test_now_is_monotonic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
