/* SPDX-License-Identifier: MIT */
/* A caller's refusals fill the log no faster than the limit says, and hide nobody else's. */
#include "tools/vfiod/log/limit.h"

#include "core/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const int64_t START_NS = 1000 * NS_PER_S;

/* How many of so many lines pass at one time. */
static unsigned pass(struct limit *limit, const char *caller, int64_t now, unsigned times)
{
	unsigned passed = 0, left_out;

	for (unsigned i = 0; i < times; i++)
		passed += limit_take(limit, caller, now, &left_out);
	return passed;
}

static void test_a_burst_and_then_one_at_a_time(void **state)
{
	struct limit limit = {0};
	int64_t each = LIMIT_SECONDS * NS_PER_S;

	(void)state;
	assert_int_equal(pass(&limit, "uid 7 pid 1", START_NS, 100), LIMIT_BURST);
	assert_int_equal(pass(&limit, "uid 7 pid 2", START_NS + each - 1, 100), 0);
	assert_int_equal(pass(&limit, "uid 7 pid 3", START_NS + each, 100), 1);
	assert_int_equal(pass(&limit, "uid 7 pid 3", START_NS + 3 * each, 100), 2);
	assert_int_equal(pass(&limit, "uid 7", START_NS + 1000 * each, 100), LIMIT_BURST);
}

static void test_what_was_left_out_is_counted(void **state)
{
	struct limit limit = {0};
	unsigned left_out = 7;

	(void)state;
	assert_true(limit_take(&limit, "uid 7", START_NS, &left_out));
	assert_int_equal(left_out, 0);
	pass(&limit, "uid 7", START_NS, LIMIT_BURST - 1 + 30);
	assert_true(limit_take(&limit, "uid 7", START_NS + LIMIT_SECONDS * NS_PER_S, &left_out));
	assert_int_equal(left_out, 30);
}

static void test_who_connects_anew_is_the_same(void **state)
{
	struct limit limit = {0};

	(void)state;
	assert_int_equal(pass(&limit, "127.0.0.1:1000", START_NS, 100), LIMIT_BURST);
	assert_int_equal(pass(&limit, "127.0.0.1:1001", START_NS, 100), 0);
	assert_int_equal(pass(&limit, "[2001:db8::1]:1001 uid 7", START_NS, 100), LIMIT_BURST);
	assert_int_equal(pass(&limit, "[2001:db8::1]:9 uid 7", START_NS, 100), 0);
	assert_int_equal(pass(&limit, "[2001:db8::1]:9 uid 8", START_NS, 1), 1);
}

static void test_one_hides_nobody_else(void **state)
{
	struct limit limit = {0};
	char caller[32];

	(void)state;
	pass(&limit, "uid 1", START_NS, 1000);
	for (unsigned i = 0; i < 10 * LIMIT_CALLERS; i++) {
		snprintf(caller, sizeof(caller), "uid %u", 100 + i);
		assert_int_equal(pass(&limit, caller, START_NS + i, 1), 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_burst_and_then_one_at_a_time),
		cmocka_unit_test(test_what_was_left_out_is_counted),
		cmocka_unit_test(test_who_connects_anew_is_the_same),
		cmocka_unit_test(test_one_hides_nobody_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
