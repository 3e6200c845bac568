/* SPDX-License-Identifier: MIT */
/* That the verdict on floods can be either. */
#include "tests/floods/verdict.h"

#include "core/base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MS INT64_C(1000000)
#define PACE (5 * MS)

enum { REQUESTS = 400 };

/* One window of a client's whose every request takes so long, but for one. */
static void add(struct windows *windows, int64_t took, int64_t one_took, bool one_failed)
{
	struct good_request items[REQUESTS];
	struct good_requests requests = {.items = items, .count = REQUESTS};

	for (size_t i = 0; i < REQUESTS; i++)
		items[i] = (struct good_request){(int64_t)i * PACE, took, false};
	items[REQUESTS / 2].took_ns = one_took;
	items[REQUESTS / 2].failed = one_failed;
	strcpy(requests.why.text, one_failed ? "a reason" : "");
	windows_add(windows, &requests, PACE, 0, REQUESTS * PACE);
}

static bool is_good(const struct windows *flooded, bool latency, struct why *why)
{
	struct windows quiet = {0};

	for (int i = 0; i < 3; i++)
		add(&quiet, 2 * MS, 2 * MS, false);
	assert_int_equal(windows_median(&quiet).p99, 2 * MS);
	assert_int_equal(verdict_limit(&quiet), 6 * MS);
	return verdict_is_good(&quiet, flooded, latency, why);
}

static void as_fast_is_good(void **state)
{
	struct windows flooded = {0};
	struct why why = {""};

	(void)state;
	for (int i = 0; i < 3; i++)
		add(&flooded, 6 * MS, 6 * MS, false);
	assert_true(is_good(&flooded, true, &why));
}

static void slower_is_not(void **state)
{
	struct windows flooded = {0};
	struct why why = {""};

	(void)state;
	for (int i = 0; i < 3; i++)
		add(&flooded, 7 * MS, 7 * MS, false);
	assert_false(is_good(&flooded, true, &why));
	assert_string_equal(why.text, "p99 is 7.0 ms flooded, 6.0 ms are allowed");
	assert_true(is_good(&flooded, false, &why));
}

static void one_slow_window_is_forgiven(void **state)
{
	struct windows flooded = {0};
	struct why why = {""};

	(void)state;
	add(&flooded, 2 * MS, 2 * MS, false);
	add(&flooded, 50 * MS, 50 * MS, false);
	add(&flooded, 2 * MS, 2 * MS, false);
	assert_true(is_good(&flooded, true, &why));
}

/* One request of four hundred is less than a hundredth; those that it kept from being asked are
 * more. */
static void one_long_wait_counts_by_its_length(void **state)
{
	struct windows flooded = {0};
	struct why why = {""};

	(void)state;
	for (int i = 0; i < 3; i++)
		add(&flooded, 2 * MS, 500 * MS, false);
	assert_false(is_good(&flooded, true, &why));
	assert_int_equal(windows_median(&flooded).max, 500 * MS);
}

static void a_failure_is_not_forgiven(void **state)
{
	struct windows flooded = {0};
	struct why why = {""};

	(void)state;
	add(&flooded, 2 * MS, 2 * MS, false);
	add(&flooded, 2 * MS, 2 * MS, true);
	add(&flooded, 2 * MS, 2 * MS, false);
	assert_false(is_good(&flooded, false, &why));
	assert_string_equal(why.text, "1 of 400 requests failed in a flooded window: a reason");
}

static void silence_is_not_good(void **state)
{
	const struct good_requests none = {0};
	struct windows flooded = {0};
	struct why why = {""};

	(void)state;
	windows_add(&flooded, &none, PACE, 0, MS);
	assert_false(is_good(&flooded, false, &why));
	assert_string_equal(why.text, "nothing was asked in a flooded window");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_fast_is_good),
		cmocka_unit_test(slower_is_not),
		cmocka_unit_test(one_slow_window_is_forgiven),
		cmocka_unit_test(one_long_wait_counts_by_its_length),
		cmocka_unit_test(a_failure_is_not_forgiven),
		cmocka_unit_test(silence_is_not_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
