/* SPDX-License-Identifier: MIT */
/* Arrays that grow by one. */
#include "tests/core/test.h"

#include <stdbool.h>
#include <stdlib.h>

static bool memory_is_short;

static void *reallocate(void *items, size_t count, size_t size)
{
	return memory_is_short ? NULL : reallocarray(items, count, size);
}

#define reallocarray reallocate
#include "core/base/array.h"

static size_t *one_more(size_t **items, size_t *count)
{
	size_t *added = ARRAY_ADD(*items, *count);

	if (!added)
		abort();
	return added;
}

static void test_elements_stay(void **state)
{
	size_t *items = NULL, count = 0;

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		size_t *added = one_more(&items, &count);

		assert_int_equal(count, i + 1);
		assert_ptr_equal(added, &items[i]);
		*added = i;
	}
	for (size_t i = 0; i < count; i++)
		assert_int_equal(items[i], i);
	free(items);
}

static void test_removed_elements_leave_room(void **state)
{
	size_t *items = NULL, count = 0;

	(void)state;
	/* Under the address sanitizer each write checks that there is room. */
	for (size_t most = 1; most < 40; most++) {
		while (count < most)
			*one_more(&items, &count) = most;
		count /= 3;
	}
	free(items);
}

static void test_failure_changes_nothing(void **state)
{
	size_t *items = NULL, count = 0, *added;

	(void)state;
	added = one_more(&items, &count);
	*added = 7;
	memory_is_short = true;
	assert_null(ARRAY_ADD(items, count));
	memory_is_short = false;
	assert_int_equal(count, 1);
	assert_ptr_equal(items, added);
	assert_int_equal(*added, 7);
	free(items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_elements_stay),
		cmocka_unit_test(test_removed_elements_leave_room),
		cmocka_unit_test(test_failure_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
