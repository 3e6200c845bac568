/* SPDX-License-Identifier: MIT */
/* Which boot of the host this is. */
#include "core/base/util.h"
#include "core/pci/boot.h"
#include "tests/core/test.h"
#include "tests/support/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define BOOT_ID "proc/sys/kernel/random/boot_id"

static int setup(void **state)
{
	*state = tree_new();
	return 0;
}

static int teardown(void **state)
{
	tree_free(*state);
	return 0;
}

static int read_below(struct tree *tree, bool is_real, struct boot *ret)
{
	CLEANUP(fd_cleanup) int fd = open(tree_root(tree), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct sysfs sysfs = {.root_fd = fd, .is_real = is_real};

	return boot_read(&sysfs, ret);
}

static void id_and_time_are_read(void **state)
{
	struct boot boot;

	tree_write(*state, BOOT_ID, "01234567-89ab-4def-8123-456789abcdef\n");
	tree_write(*state, "proc/stat", "cpu 1 2\nintr 1 btime 5\nbtime 1700000000\nprocesses 1\n");
	assert_int_equal(read_below(*state, true, &boot), 0);
	assert_string_equal(boot.id, "01234567-89ab-4def-8123-456789abcdef");
	assert_int_equal(boot.time, 1700000000);
}

/* Nothing can then be said to be of this boot by its time. */
static void a_time_that_is_not_told_is_later_than_any(void **state)
{
	struct boot boot;

	tree_write(*state, BOOT_ID, "01234567-89ab-4def-8123-456789abcdef\n");
	assert_int_equal(read_below(*state, true, &boot), 0);
	assert_int_equal(boot.time, INT64_MAX);
	tree_write(*state, "proc/stat", "btime nonsense\n");
	assert_int_equal(read_below(*state, true, &boot), 0);
	assert_int_equal(boot.time, INT64_MAX);
}

static void only_a_simulated_host_may_be_without_an_id(void **state)
{
	struct boot boot;

	assert_int_equal(read_below(*state, true, &boot), -ENOENT);
	assert_int_equal(read_below(*state, false, &boot), 0);
	assert_string_equal(boot.id, "simulated");
}

static void what_is_no_id_is_refused(void **state)
{
	static const char *const texts[] = {"\n", "'; DROP TABLE origin; --\n", "simulated\n",
		"0123456789012345678901234567890123456789012345678901234567890123456789\n"};
	struct boot boot;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		tree_write(*state, BOOT_ID, "%s", texts[i]);
		assert_true(read_below(*state, false, &boot) < 0);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(id_and_time_are_read),
		TEST(a_time_that_is_not_told_is_later_than_any),
		TEST(only_a_simulated_host_may_be_without_an_id),
		TEST(what_is_no_id_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
