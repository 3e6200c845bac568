/* SPDX-License-Identifier: MIT */
/* Who has VFIO files open, found in a /proc of our own making. */
#include "core/holders.h"
#include "core/util.h"
#include "tests/core/test.h"
#include "tests/support/tree.h"

#include <stdio.h>

struct ground {
	struct tree *tree;
	struct sysfs sysfs;
	struct hand_reply reply;
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
	tree_free(g->tree);
	free(g);
	return 0;
}

static void add_process(struct ground *g, int pid, const char *command)
{
	char path[64];

	snprintf(path, sizeof(path), "proc/%d/comm", pid);
	tree_write(g->tree, path, "%s\n", command);
	snprintf(path, sizeof(path), "proc/%d/maps", pid);
	tree_write(g->tree, path, "55d0-55d1 r-xp 00000000 fd:01 1 /usr/bin/%s\n", command);
	snprintf(path, sizeof(path), "proc/%d/fd", pid);
	tree_mkdir(g->tree, path);
}

static void add_fd(struct ground *g, int pid, int fd, const char *target)
{
	char path[300];

	/* An absolute target, as /proc shows it: through the shell's eyes a broken link. */
	snprintf(path, sizeof(path), "%s/proc/%d/fd/%d", tree_root(g->tree), pid, fd);
	assert_int_equal(symlink(target, path), 0);
}

static void scan(struct ground *g)
{
	g->reply = (struct hand_reply){0};
	assert_int_equal(holders_scan(&g->sysfs, NULL, &g->reply), 0);
}

static void assert_only_holder(struct ground *g, int pid, enum hand_hold hold, int id)
{
	scan(g);
	assert_int_equal(g->reply.n_holders, 1);
	assert_int_equal(g->reply.truncated, 0);
	assert_int_equal(g->reply.holders[0].pid, pid);
	assert_int_equal(g->reply.holders[0].hold, hold);
	assert_int_equal(g->reply.holders[0].id, id);
}

static void nobody_holds_anything_on_an_idle_host(void **state)
{
	struct ground *g = *state;

	add_process(g, 42, "bash");
	add_fd(g, 42, 0, "/dev/pts/0");
	add_fd(g, 42, 1, "/dev/vfio/vfio");
	add_fd(g, 42, 2, "/dev/vfio/");
	add_fd(g, 42, 3, "/dev/vfio/12x");
	add_fd(g, 42, 4, "/dev/vfio/-1");
	add_fd(g, 42, 5, "/dev/vfio/99999999999999999999");
	add_fd(g, 42, 6, "/mnt/dev/vfio/1");
	add_fd(g, 42, 7, "anon_inode:[vfio-deviceless]");
	tree_write(g->tree, "proc/uptime", "1\n");
	scan(g);
	assert_int_equal(g->reply.n_holders, 0);
}

static void an_open_group_names_its_process(void **state)
{
	struct ground *g = *state;

	add_process(g, 4242, "qemu-system-x86_64-and-more");
	add_fd(g, 4242, 9, "/dev/vfio/17");
	assert_only_holder(g, 4242, HOLD_GROUP, 17);
	assert_string_equal(g->reply.holders[0].command, "qemu-system-x86");
}

static void noiommu_groups_count_too(void **state)
{
	struct ground *g = *state;

	add_process(g, 5, "dpdk");
	add_fd(g, 5, 9, "/dev/vfio/noiommu-3");
	assert_only_holder(g, 5, HOLD_GROUP, 3);
}

static void an_open_device_node_counts_even_when_it_is_deleted(void **state)
{
	struct ground *g = *state;

	add_process(g, 5, "cloud-hyp");
	add_fd(g, 5, 9, "/dev/vfio/devices/vfio3 (deleted)");
	assert_only_holder(g, 5, HOLD_DEVICE, 3);
}

static void a_device_file_is_told_apart_where_fdinfo_helps(void **state)
{
	struct ground *g = *state;

	add_process(g, 5, "qemu");
	add_fd(g, 5, 9, "anon_inode:[vfio-device]");
	assert_only_holder(g, 5, HOLD_FILE, -1);
	assert_int_equal(g->reply.holders[0].has_address, 0);
	tree_write(g->tree, "proc/5/fdinfo/9", "%s",
		"pos:\t0\nflags:\t02000002\nvfio-device-syspath: "
		"/sys/devices/pci0000:e0/0000:e0:01.1/0000:e1:00.0\n");
	assert_only_holder(g, 5, HOLD_FILE, -1);
	assert_int_equal(g->reply.holders[0].has_address, 1);
	assert_true(pci_address_equal(
		g->reply.holders[0].address, (struct pci_address){0, 0xe1, 0, 0}));
	tree_write(g->tree, "proc/5/fdinfo/9", "vfio-device-syspath: nonsense\n");
	assert_only_holder(g, 5, HOLD_FILE, -1);
	assert_int_equal(g->reply.holders[0].has_address, 0);
}

static void a_mapping_outlives_its_file(void **state)
{
	struct ground *g = *state;

	add_process(g, 5, "qemu");
	tree_append(g->tree, "proc/5/maps", "%s",
		"7f00-7f01 rw-s 00000000 00:0e 1035   anon_inode:[vfio-device]\n");
	assert_only_holder(g, 5, HOLD_MAPPING, -1);
	tree_write(g->tree, "proc/5/maps", "%s",
		"7f00-7f01 rw-s 00000000 00:06 900   /dev/vfio/devices/vfio12\n");
	assert_only_holder(g, 5, HOLD_DEVICE, 12);
}

static void every_mapped_device_is_found(void **state)
{
	struct ground *g = *state;

	add_process(g, 5, "qemu");
	tree_write(g->tree, "proc/5/maps", "%s",
		"7f00-7f01 rw-s 00000000 00:06 900   /dev/vfio/devices/vfio1\n"
		"7f02-7f03 rw-s 00000000 00:06 901   /dev/vfio/devices/vfio2\n");
	scan(g);
	bool first = false, second = false;
	for (unsigned i = 0; i < g->reply.n_holders; i++) {
		first |= g->reply.holders[i].id == 1;
		second |= g->reply.holders[i].id == 2;
	}
	assert_true(first);
	assert_true(second);
}

static void too_many_are_cut_and_said_to_be(void **state)
{
	struct ground *g = *state;

	add_process(g, 5, "many");
	for (int i = 0; i < HAND_MAX_HOLDERS; i++) {
		char target[64];

		snprintf(target, sizeof(target), "/dev/vfio/%d", i);
		add_fd(g, 5, i, target);
	}
	scan(g);
	assert_int_equal(g->reply.n_holders, HAND_MAX_HOLDERS);
	assert_int_equal(g->reply.truncated, 0);
	add_fd(g, 5, 200, "/dev/vfio/200");
	scan(g);
	assert_int_equal(g->reply.n_holders, HAND_MAX_HOLDERS);
	assert_int_equal(g->reply.truncated, 1);
}

static void a_process_that_ends_meanwhile_is_passed_over(void **state)
{
	struct ground *g = *state;

	tree_mkdir(g->tree, "proc/7");
	add_process(g, 8, "qemu");
	add_fd(g, 8, 1, "/dev/vfio/1");
	tree_remove(g->tree, "proc/8/maps");
	assert_only_holder(g, 8, HOLD_GROUP, 1);
	tree_remove(g->tree, "proc");
	scan(g);
	assert_int_equal(g->reply.n_holders, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(nobody_holds_anything_on_an_idle_host),
		TEST(an_open_group_names_its_process),
		TEST(noiommu_groups_count_too),
		TEST(an_open_device_node_counts_even_when_it_is_deleted),
		TEST(a_device_file_is_told_apart_where_fdinfo_helps),
		TEST(a_mapping_outlives_its_file),
		TEST(every_mapped_device_is_found),
		TEST(too_many_are_cut_and_said_to_be),
		TEST(a_process_that_ends_meanwhile_is_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
