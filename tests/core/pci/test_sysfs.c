/* SPDX-License-Identifier: MIT */
/* Access to files below a root. */
#include "core/base/util.h"
#include "core/pci/real.h"
#include "tests/core/test.h"
#include "tests/support/tree.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

struct ground {
	struct tree *tree;
	struct sysfs sysfs;
};

static int setup(void **state)
{
	struct ground *g = calloc(1, sizeof(*g));

	g->tree = tree_new();
	assert_int_equal(sysfs_open(&g->sysfs, tree_root(g->tree)), 0);
	*state = g;
	return 0;
}

static int teardown(void **state)
{
	struct ground *g = *state;

	sysfs_close(&g->sysfs);
	sysfs_close(&g->sysfs);
	tree_free(g->tree);
	free(g);
	return 0;
}

static void an_attribute_is_one_bounded_line(void **state)
{
	struct ground *g = *state;
	char buf[8];

	tree_write(g->tree, "a", "one\ntwo\n");
	assert_int_equal(sysfs_read(g->sysfs.root_fd, "a", buf, sizeof(buf)), 3);
	assert_string_equal(buf, "one");
	tree_write(g->tree, "a", "1234567\n");
	assert_int_equal(sysfs_read(g->sysfs.root_fd, "a", buf, sizeof(buf)), 7);
	tree_write(g->tree, "a", "1234567");
	assert_int_equal(sysfs_read(g->sysfs.root_fd, "a", buf, sizeof(buf)), 7);
	tree_write(g->tree, "a", "12345678");
	assert_int_equal(sysfs_read(g->sysfs.root_fd, "a", buf, sizeof(buf)), -EFBIG);
	tree_write(g->tree, "a", "%s", "");
	assert_int_equal(sysfs_read(g->sysfs.root_fd, "a", buf, sizeof(buf)), 0);
	assert_int_equal(sysfs_read(g->sysfs.root_fd, "none", buf, sizeof(buf)), -ENOENT);
	tree_write(g->tree, "a", "x\x1b\xff\n");
	assert_int_equal(sysfs_read(g->sysfs.root_fd, "a", buf, sizeof(buf)), 3);
	assert_string_equal(buf, "x??");
}

static void a_fifo_keeps_nobody_waiting(void **state)
{
	struct ground *g = *state;
	char buf[8];
	size_t len;

	assert_int_equal(mkfifoat(g->sysfs.root_fd, "fifo", 0600), 0);
	assert_int_equal(sysfs_read(g->sysfs.root_fd, "fifo", buf, sizeof(buf)), 0);
	CLEANUP(free_cleanup) char *all = sysfs_slurp(g->sysfs.root_fd, "fifo", 100, &len);
	assert_non_null(all);
	assert_int_equal(len, 0);
}

static void numbers_are_whole_or_refused(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
		int error;
	} rows[] = {
		{"0x10de\n", 0x10de, 0},
		{"12\n", 12, 0},
		{"0\n", 0, 0},
		{"0xffffffffffffffff", UINT64_MAX, 0},
		{"0x10000000000000000", 0, -EINVAL},
		{"-1\n", 0, -EINVAL},
		{"\n", 0, -EINVAL},
		{"12 \n", 0, -EINVAL},
		{"x\n", 0, -EINVAL},
	};
	struct ground *g = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t value = 0;

		tree_write(g->tree, "n", "%s", rows[i].text);
		assert_int_equal(sysfs_read_u64(g->sysfs.root_fd, "n", &value), rows[i].error);
		assert_int_equal(value, rows[i].value);
	}
}

static void a_link_gives_its_last_component(void **state)
{
	struct ground *g = *state;
	char buf[9];

	tree_link(g->tree, "l", "sys/bus/pci/drivers/vfio-pci");
	assert_int_equal(sysfs_link_name(g->sysfs.root_fd, "l", buf, sizeof(buf)), 8);
	assert_string_equal(buf, "vfio-pci");
	assert_int_equal(sysfs_link_name(g->sysfs.root_fd, "l", buf, sizeof(buf) - 1), -EFBIG);
	assert_int_equal(sysfs_link_name(g->sysfs.root_fd, "none", buf, sizeof(buf)), -ENOENT);
}

static void a_whole_file_is_bounded(void **state)
{
	struct ground *g = *state;
	size_t len;

	tree_write(g->tree, "f", "%0*d", 10000, 7);
	CLEANUP(free_cleanup) char *text = sysfs_slurp(g->sysfs.root_fd, "f", 10000, &len);
	assert_non_null(text);
	assert_int_equal(len, 10000);
	assert_int_equal(strlen(text), 10000);
	assert_null(sysfs_slurp(g->sysfs.root_fd, "f", 9999, &len));
	assert_int_equal(errno, EFBIG);
}

static void a_host_without_pci_opens_and_a_missing_root_does_not(void **state)
{
	struct ground *g = *state;
	struct sysfs other = SYSFS_INIT;

	assert_false(g->sysfs.is_real);
	assert_int_equal(sysfs_open(&other, "/nonexistent"), -ENOENT);
	tree_remove(g->tree, "sys/bus/pci");
	assert_int_equal(sysfs_open(&other, tree_root(g->tree)), 0);
	assert_int_equal(other.devices_fd, -1);
	sysfs_close(&other);
	assert_int_equal(sysfs_open(&other, "/"), 0);
	assert_true(other.is_real);
	sysfs_close(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_attribute_is_one_bounded_line, setup, teardown),
		cmocka_unit_test_setup_teardown(a_fifo_keeps_nobody_waiting, setup, teardown),
		cmocka_unit_test_setup_teardown(numbers_are_whole_or_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_link_gives_its_last_component, setup, teardown),
		cmocka_unit_test_setup_teardown(a_whole_file_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_host_without_pci_opens_and_a_missing_root_does_not, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
