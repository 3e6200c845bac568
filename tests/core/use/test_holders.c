/* SPDX-License-Identifier: MIT */
/* Who has VFIO files open, found in a /proc of our own making. */
#include "core/base/util.h"
#include "core/pci/real.h"
#include "core/use/holders.h"
#include "tests/core/test.h"
#include "tests/support/tree.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

struct ground {
	struct tree *tree;
	struct sysfs sysfs;
	struct holders found;
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

	holders_clear(&g->found);
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
	holders_clear(&g->found);
	assert_int_equal(holders_of_vfio(&g->sysfs, &g->found), 0);
}

static void scan_mappings(struct ground *g)
{
	holders_clear(&g->found);
	assert_int_equal(holders_of_mappings(&g->sysfs, &g->found), 0);
}

static void assert_only(struct ground *g, int pid, enum hold hold, int id)
{
	assert_int_equal(g->found.count, 1);
	assert_int_equal(g->found.is_truncated, 0);
	assert_int_equal(g->found.items[0].pid, pid);
	assert_int_equal(g->found.items[0].hold, hold);
	assert_int_equal(g->found.items[0].id, id);
}

static void assert_only_holder(struct ground *g, int pid, enum hold hold, int id)
{
	scan(g);
	assert_only(g, pid, hold, id);
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
	assert_int_equal(g->found.count, 0);
}

static void an_open_group_names_its_process(void **state)
{
	struct ground *g = *state;

	add_process(g, 4242, "qemu-system-x86_64-and-more");
	add_fd(g, 4242, 9, "/dev/vfio/17");
	assert_only_holder(g, 4242, HOLD_GROUP, 17);
	assert_string_equal(g->found.items[0].command, "qemu-system-x86");
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
	assert_int_equal(g->found.items[0].has_address, 0);
	tree_write(g->tree, "proc/5/fdinfo/9", "%s",
		"pos:\t0\nflags:\t02000002\nvfio-device-syspath: /sys/devices/pci0000:e0/0000:e0:01.1/0000:e1:00.0\n");
	assert_only_holder(g, 5, HOLD_FILE, -1);
	assert_int_equal(g->found.items[0].has_address, 1);
	assert_true(
		pci_address_equal(g->found.items[0].address, (struct pci_address){0, 0xe1, 0, 0}));
	tree_write(g->tree, "proc/5/fdinfo/9", "vfio-device-syspath: nonsense\n");
	assert_only_holder(g, 5, HOLD_FILE, -1);
	assert_int_equal(g->found.items[0].has_address, 0);
}

static void a_mapping_outlives_its_file(void **state)
{
	struct ground *g = *state;

	add_process(g, 5, "qemu");
	tree_append(g->tree, "proc/5/maps", "%s",
		"7f00-7f01 rw-s 00000000 00:0e 1035   anon_inode:[vfio-device]\n"
		"7f02-7f03 rw-s 00000000 00:0e 1035   anon_inode:[vfio-device]\n");
	scan_mappings(g);
	assert_only(g, 5, HOLD_MAPPING, -1);
	tree_write(g->tree, "proc/5/maps", "%s",
		"7f00-7f01 rw-s 00000000 00:06 900   /dev/vfio/devices/vfio12\n");
	scan_mappings(g);
	assert_only(g, 5, HOLD_DEVICE, 12);
	scan(g);
	assert_int_equal(g->found.count, 0);
}

static void every_mapped_device_is_found(void **state)
{
	struct ground *g = *state;

	add_process(g, 5, "qemu");
	tree_write(g->tree, "proc/5/maps", "%s",
		"7f00-7f01 rw-s 00000000 00:06 900   /dev/vfio/devices/vfio1\n"
		"7f02-7f03 rw-s 00000000 00:06 901   /dev/vfio/devices/vfio2\n");
	scan_mappings(g);
	bool first = false, second = false;
	for (size_t i = 0; i < g->found.count; i++) {
		first |= g->found.items[i].id == 1;
		second |= g->found.items[i].id == 2;
	}
	assert_true(first);
	assert_true(second);
}

/* A host may run hundreds of virtual machines, and one of them may have the device. */
static void hundreds_are_all_found(void **state)
{
	enum { MANY = 300 };
	struct ground *g = *state;

	for (int i = 0; i < MANY; i++) {
		char target[64];

		add_process(g, 1000 + i, "qemu");
		snprintf(target, sizeof(target), "/dev/vfio/%d", i);
		add_fd(g, 1000 + i, 3, target);
		add_fd(g, 1000 + i, 4, target);
	}
	scan(g);
	assert_int_equal(g->found.count, MANY);
	assert_false(g->found.is_truncated);
}

static void too_many_are_cut_and_said_to_be(void **state)
{
	struct holder holder = {.pid = 1};
	struct ground *g = *state;
	size_t n = 0;

	holders_clear(&g->found);
	while (n < 1000000 && holders_add(&g->found, &holder))
		n++;
	assert_true(n >= 10000 && n <= 100000);
	assert_int_equal(g->found.count, n);
	assert_true(g->found.is_truncated);
}

/* The numbers of /dev/null and /dev/zero stand for VFIO's: those are there. */
static void add_numbers(struct ground *g)
{
	tree_write(g->tree, "sys/class/vfio/17/dev", "%s", "1:3\n");
	tree_write(g->tree, "sys/class/vfio/noiommu-4/dev", "%s", "1:4\n");
	tree_write(g->tree, "sys/class/vfio-dev/vfio8/dev", "%s", "1:5\n");
	tree_write(g->tree, "sys/class/vfio-dev/vfio9/other", "%s", "\n");
	tree_write(g->tree, "sys/class/vfio/vfio/dev", "%s", "1:7\n");
}

/* A jail has nodes of its own, below its own folder. */
static void add_node(struct ground *g, const char *path, unsigned minor)
{
	char full[PATH_MAX], *slash;

	snprintf(full, sizeof(full), "%.60s", path);
	slash = strrchr(full, '/');
	*slash = '\0';
	tree_mkdir(g->tree, full);
	snprintf(full, sizeof(full), "%s/%s", tree_root(g->tree), path);
	if (mknod(full, S_IFCHR | 0600, makedev(1, minor)) < 0)
		skip(); /* the right to is root's */
}

static void a_node_in_a_jail_is_told_by_its_number(void **state)
{
	struct ground *g = *state;

	add_numbers(g);
	add_node(g, "srv/jail/dev/vfio/group", 3);
	add_node(g, "srv/jail/dev/device", 5);
	add_node(g, "srv/jail/dev/noiommu", 4);
	add_node(g, "srv/jail/dev/full", 7);
	add_process(g, 5, "firecracker");
	add_fd(g, 5, 3, "/srv/jail/dev/full");
	add_fd(g, 5, 4, "/srv/jail/dev/nothing");
	scan(g);
	assert_int_equal(g->found.count, 0);
	add_fd(g, 5, 9, "/srv/jail/dev/vfio/group");
	assert_only_holder(g, 5, HOLD_GROUP, 17);
	tree_remove(g->tree, "proc/5/fd/9");
	add_fd(g, 5, 9, "/srv/jail/dev/noiommu");
	assert_only_holder(g, 5, HOLD_GROUP, 4);
	tree_remove(g->tree, "proc/5/fd/9");
	add_fd(g, 5, 9, "/srv/jail/dev/device");
	assert_only_holder(g, 5, HOLD_DEVICE, 8);
}

static void a_native_node_in_a_jail_is_told_by_its_number(void **state)
{
	static const struct pci_address address = {0, 1, 0, 0};
	struct ground *g = *state;

	tree_add_device(
		g->tree, &(struct tree_device){.address = "0000:01:00.0", .driver = "amdgpu"});
	tree_add_node(
		g->tree, &(struct tree_node){"0000:01:00.0", "drm/card0", "1:3", "dri/card0"});
	add_node(g, "srv/jail/gpu", 3);
	add_node(g, "srv/jail/other", 5);
	add_process(g, 5, "Xorg");
	add_fd(g, 5, 3, "/srv/jail/other");
	assert_int_equal(holders_of_nodes(&g->sysfs, &address, 1, &g->found), 0);
	assert_int_equal(g->found.count, 0);
	add_fd(g, 5, 4, "/srv/jail/gpu");
	add_fd(g, 5, 5, "/dev/dri/card0");
	assert_int_equal(holders_of_nodes(&g->sysfs, &address, 1, &g->found), 0);
	assert_only(g, 5, HOLD_NODE, -1);
	assert_string_equal(g->found.items[0].node, "/dev/dri/card0");
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
	assert_int_equal(g->found.count, 0);
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
		TEST(hundreds_are_all_found),
		TEST(too_many_are_cut_and_said_to_be),
		TEST(a_node_in_a_jail_is_told_by_its_number),
		TEST(a_native_node_in_a_jail_is_told_by_its_number),
		TEST(a_process_that_ends_meanwhile_is_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
