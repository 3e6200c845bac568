/* SPDX-License-Identifier: MIT */
/* The nodes of a device's native driver, and who has them open. */
#include "core/base/util.h"
#include "core/use/native_nodes.h"
#include "tests/core/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static const char GPU[] = "0000:01:00.0";
static const char SPARE[] = "10000:e1:00.0"; /* on nvme, without a disk */

/* Makes a folder beside the device's attributes. */
static void add(struct fixture *f, const char *address, const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/%s", address, name);
	tree_mkdir(f->tree, path);
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void assert_nodes(struct fixture *f, const char *address, const char *expected)
{
	CLEANUP(fd_cleanup) int root = open(tree_root(f->tree), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char text[NODES_MAX * (NODE_SIZE + 1)] = "";
	struct nodes nodes;

	nodes_find(root, fixture_address(address), &nodes);
	qsort(nodes.names, nodes.count, sizeof(nodes.names[0]), compare);
	for (size_t i = 0; i < nodes.count; i++) {
		size_t n = strlen(text);
		snprintf(text + n, sizeof(text) - n, "%s%s", i ? " " : "", nodes.names[i]);
	}
	assert_string_equal(text, expected);
	assert_int_equal(
		nodes_any(root, fixture_address(address)), nodes.count > 0 || nodes.is_incomplete);
}

static void each_place_is_looked_at(void **state)
{
	static const struct {
		const char *folder, *nodes;
	} rows[] = {
		{"drm/card0", "/dev/dri/card0"},
		{"drm/renderD128", "/dev/dri/renderD128"},
		{"graphics/fb3", "/dev/fb3"},
		{"accel/accel12", "/dev/accel/accel12"},
		{"infiniband_verbs/uverbs0", "/dev/infiniband/uverbs0"},
		{"sound/card1/controlC1", "/dev/snd/controlC1"},
		{"sound/card1/pcmC1D3p", "/dev/snd/pcmC1D3p"},
		{"sound/card1/hwC1D0", "/dev/snd/hwC1D0"},
		{"usb3", "/dev/bus/usb/003/"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		fixture_setup(state);
		struct fixture *f = *state;
		assert_nodes(f, GPU, "");
		add(f, GPU, rows[i].folder);
		assert_nodes(f, GPU, rows[i].nodes);
		assert_nodes(f, "0000:01:00.1", "");
		fixture_teardown(state);
	}
}

static void names_that_are_no_nodes_are_left_out(void **state)
{
	static const char *const names[] = {"drm/card", "drm/card0-HDMI-A-1", "drm/cardX",
		"drm/card1 ", "drm/version", "graphics/fbcon", "accel/accel", "sound/card0/input3",
		"sound/card0/id", "usb", "usbmon", "infiniband_verbs/abi_version",
		"drm/card00000000000000000000000000000000000000000000000000001", "drm/renderD\n1",
		"drm/..card"};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		add(f, GPU, names[i]);
	assert_nodes(f, GPU, "");
	assert_nodes(f, "0000:99:00.0", "");
}

static void there_may_be_more_than_are_looked_for(void **state)
{
	CLEANUP(fd_cleanup) int root = -1;
	struct fixture *f = *state;
	struct nodes nodes;
	char name[32];

	for (int i = 0; i < NODES_MAX + 10; i++) {
		snprintf(name, sizeof(name), "drm/card%d", i);
		add(f, GPU, name);
	}
	root = open(tree_root(f->tree), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	nodes_find(root, fixture_address(GPU), &nodes);
	assert_int_equal(nodes.count, NODES_MAX);
	assert_true(nodes.is_incomplete);
}

static void the_console_is_where_the_kernel_draws_it(void **state)
{
	struct fixture *f = *state;
	CLEANUP(fd_cleanup) int root = open(tree_root(f->tree), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_false(nodes_show_console(root));
	tree_write(f->tree, "sys/class/vtconsole/vtcon0/name", "(S) dummy device\n");
	tree_write(f->tree, "sys/class/vtconsole/vtcon0/bind", "1\n");
	tree_write(f->tree, "sys/class/vtconsole/vtcon1/name", "(M) frame buffer device\n");
	tree_write(f->tree, "sys/class/vtconsole/vtcon1/bind", "0\n");
	assert_false(nodes_show_console(root));
	tree_write(f->tree, "sys/class/vtconsole/vtcon1/bind", "1\n");
	assert_true(nodes_show_console(root));
}

static void nvidia_tells_in_proc(void **state)
{
	static const char PATH[] = "proc/driver/nvidia/gpus/0000:01:00.0/information";
	struct fixture *f = *state;

	tree_write(f->tree, PATH, "Model: \t NVIDIA\nDevice Minor: \t 3\nGPU Excluded:\t No\n");
	assert_nodes(f, GPU, "/dev/nvidia3");
	tree_write(f->tree, PATH, "Device Minor: \t ../../etc\n");
	assert_nodes(f, GPU, "");
	tree_write(f->tree, PATH, "%s", "");
	assert_nodes(f, GPU, "");
}

static void disks_are_their_nodes(void **state)
{
	struct fixture *f = *state;

	assert_nodes(f, "0000:04:00.0", "/dev/nvme0n1 /dev/nvme0n1p1");
	assert_nodes(f, "10000:e1:00.0", "");
}

static void a_path_matches_whole_or_below_a_folder(void **state)
{
	static const struct nodes nodes = {
		.count = 2, .names = {"/dev/dri/card0", "/dev/bus/usb/003/"}};

	(void)state;
	assert_true(nodes_match(&nodes, "/dev/dri/card0"));
	assert_false(nodes_match(&nodes, "/dev/dri/card01"));
	assert_false(nodes_match(&nodes, "/dev/dri/card"));
	assert_false(nodes_match(&nodes, "/mnt/dev/dri/card0"));
	assert_true(nodes_match(&nodes, "/dev/bus/usb/003/007"));
	assert_false(nodes_match(&nodes, "/dev/bus/usb/0031/007"));
	assert_false(nodes_match(&nodes, ""));
	assert_false(nodes_match(&(struct nodes){0}, "/dev/dri/card0"));
}

static const char NODE[] = "/dev/nvme1n1";

/* Looks at the disks of a device as on a real host, and on a simulated one, where nothing is seen
 * of any, and nothing is wrong with that. Returns errno. */
static int look(struct fixture *f, const char *address)
{
	CLEANUP(fd_cleanup) int root = open(tree_root(f->tree), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct sysfs real = {.root_fd = root, .is_real = true}, simulated = {.root_fd = root};
	struct blind_spot blind;
	struct nodes nodes;

	nodes_find(root, fixture_address(address), &nodes);
	assert_false(nodes_claimed(&simulated, &nodes, &blind));
	assert_int_equal(blind.error, 0);
	assert_false(nodes_claimed(&real, &nodes, &blind));
	assert_string_equal(blind.node, blind.error ? NODE : "");
	return blind.error;
}

static void make_node(struct fixture *f, mode_t type, unsigned major, unsigned minor)
{
	char path[256];

	tree_mkdir(f->tree, "dev");
	snprintf(path, sizeof(path), "%s%s", tree_root(f->tree), NODE);
	unlink(path);
	if (mknod(path, type | 0600, makedev(major, minor)) < 0)
		skip(); /* not for everybody, nor in every container */
}

static void a_disk_that_cannot_be_examined_is_told(void **state)
{
	static const char NUMBER[] = "sys/class/block/nvme1n1/dev";
	struct fixture *f = *state;

	assert_int_equal(look(f, SPARE), 0); /* it has no disk */
	tree_add_disk(f->tree,
		&(struct tree_disk){.name = "nvme1n1", .address = SPARE, .number = "240:77"});
	assert_int_equal(look(f, SPARE), ENOENT);
	tree_write(f->tree, NODE + 1, "a file");
	assert_int_equal(look(f, SPARE), ENOTBLK);
	tree_remove(f->tree, NODE + 1);
	tree_link(f->tree, NODE + 1, "dev/elsewhere");
	assert_int_equal(look(f, SPARE), ENOTBLK);
	tree_write(f->tree, NUMBER, "no number");
	assert_int_equal(look(f, SPARE), EINVAL);
	/* Paths of a multipath NVMe have no number, and so no node. */
	tree_remove(f->tree, NUMBER);
	assert_int_equal(look(f, SPARE), 0);
}

static void a_node_that_opens_no_disk_or_another_is_told(void **state)
{
	struct fixture *f = *state;

	tree_add_disk(f->tree,
		&(struct tree_disk){.name = "nvme1n1", .address = SPARE, .number = "240:77"});
	make_node(f, S_IFCHR, 240, 77);
	assert_int_equal(look(f, SPARE), ENOTBLK);
	make_node(f, S_IFBLK, 240, 78);
	assert_int_equal(look(f, SPARE), ENXIO);
	/* No driver has that number; where the file system opens no device at all, it is EACCES. */
	make_node(f, S_IFBLK, 240, 77);
	assert_int_not_equal(look(f, SPARE), 0);
}

static void any_disk_of_the_host_may_be_the_blind_spot(void **state)
{
	struct fixture *f = *state;
	CLEANUP(fd_cleanup) int root = open(tree_root(f->tree), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct sysfs host = {.root_fd = root};
	struct blind_spot blind;

	nodes_find_blind(&host, &blind);
	assert_int_equal(blind.error, 0);
	host.is_real = true;
	nodes_find_blind(&host, &blind);
	assert_int_equal(blind.error, ENOENT);
	assert_memory_equal(blind.node, "/dev/nvme0n1", strlen("/dev/nvme0n1"));
	tree_remove(f->tree, "sys/class/block");
	tree_mkdir(f->tree, "sys/class/block");
	nodes_find_blind(&host, &blind);
	assert_int_equal(blind.error, 0);
	/* A virtual one goes with no PCI device. */
	tree_add_disk(f->tree, &(struct tree_disk){.name = "md127"});
	nodes_find_blind(&host, &blind);
	assert_int_equal(blind.error, 0);
	tree_add_disk(f->tree, &(struct tree_disk){.name = "cciss!c0d0", .address = SPARE});
	nodes_find_blind(&host, &blind);
	assert_string_equal(blind.node, "/dev/cciss/c0d0");
	assert_nodes(f, SPARE, "/dev/cciss/c0d0");
}

static void check(struct fixture *f, char *address, struct core_problems *problems)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;

	core_problems_clear(problems);
	assert_int_equal(
		host_check(f->host, &address, 1, NULL, fixture_deadline(), problems, &err), 0);
}

static void who_has_a_node_open_is_in_the_way_and_named(void **state)
{
	CLEANUP(core_problems_clear) struct core_problems problems = {0};
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct holder xorg[] = {
		{.pid = 812, .command = "Xorg", .hold = HOLD_NODE, .node = "/dev/dri/card0"},
		{.pid = 9, .command = "dcgm", .hold = HOLD_NODE, .node = "/dev/dri/renderD128"}};
	struct fixture *f = *state;
	struct change_result result;

	fake_helper_set_node_holders(f->fake, xorg, 2, false);
	check(f, (char *)GPU, &problems);
	assert_int_equal(problems.count, 0); /* it has no nodes */
	add(f, GPU, "drm/card0");
	check(f, (char *)GPU, &problems);
	assert_int_equal(problems.count, 1);
	assert_int_equal(problems.items[0].reason, REASON_NODE_IN_USE);
	assert_string_equal(
		problems.items[0].message, "device 0000:01:00.0 is in use by Xorg (pid 812)");
	assert_int_equal(problems.items[0].n_holders, 2);
	assert_string_equal(problems.items[0].holders[1].command, "dcgm");
	assert_string_equal(problems.items[0].holders[1].what, "/dev/dri/renderD128");
	assert_true(problems.items[0].action[0] != '\0');
	fixture_must_refuse_bind(f, GPU, CORE_PRECONDITION, REASON_NODE_IN_USE, &err);
	const struct change_request force = {.force = 1u << REASON_NODE_IN_USE};
	assert_int_equal(fixture_bind(f, GPU, &force, &result, &err), 0);
	change_result_clear(&result);
}

static void a_disk_that_the_kernel_has_open_is_in_use(void **state)
{
	CLEANUP(core_problems_clear) struct core_problems problems = {0};
	struct fixture *f = *state;

	tree_add_disk(f->tree, &(struct tree_disk){.name = "nvme1n1", .address = "10000:e1:00.0"});
	check(f, "10000:e1:00.0", &problems);
	assert_int_equal(problems.count, 0);
	fake_helper_set_node_holders(f->fake, NULL, 0, true);
	check(f, "10000:e1:00.0", &problems);
	assert_int_equal(problems.count, 1);
	assert_int_equal(problems.items[0].reason, REASON_DISK_IN_USE);
	assert_true(problems.items[0].action[0] != '\0');
	/* Once is enough. */
	check(f, "0000:04:00.0", &problems);
	assert_int_equal(problems.count, 1);
	assert_non_null(strstr(problems.items[0].message, "mounted on /"));
}

static void a_disk_that_the_helper_cannot_examine_is_refused_forced_or_not(void **state)
{
	CLEANUP(core_problems_clear) struct core_problems problems = {0};
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	const struct change_request force = {.force = UINT32_MAX};
	struct fixture *f = *state;
	struct change_result result;

	tree_add_disk(f->tree, &(struct tree_disk){.name = "nvme1n1", .address = SPARE});
	fake_helper_set_blind(f->fake, NODE, EPERM);
	check(f, (char *)SPARE, &problems);
	assert_int_equal(problems.count, 1);
	assert_int_equal(problems.items[0].reason, REASON_BLIND);
	assert_string_equal(problems.items[0].message,
		"device 10000:e1:00.0 carries a disk whose node /dev/nvme1n1 vfiod cannot examine: Operation not permitted");
	assert_non_null(strstr(problems.items[0].action, "PrivateDevices=no"));
	assert_non_null(strstr(problems.items[0].action, "cannot be forced"));
	fixture_must_refuse_bind(f, SPARE, CORE_PRECONDITION, REASON_BLIND, &err);
	core_error_clear(&err);
	assert_int_equal(fixture_bind(f, SPARE, &force, &result, &err), -1);
	assert_int_equal(err.problems.items[0].reason, REASON_BLIND);
	/* The mount that is seen all the same is told too. */
	check(f, "0000:04:00.0", &problems);
	assert_int_equal(problems.count, 2);
	assert_int_equal(problems.items[0].reason, REASON_DISK_IN_USE);
	assert_int_equal(problems.items[1].reason, REASON_BLIND);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_place_is_looked_at),
		TEST(names_that_are_no_nodes_are_left_out),
		TEST(there_may_be_more_than_are_looked_for),
		TEST(the_console_is_where_the_kernel_draws_it),
		TEST(nvidia_tells_in_proc),
		TEST(disks_are_their_nodes),
		cmocka_unit_test(a_path_matches_whole_or_below_a_folder),
		TEST(a_disk_that_cannot_be_examined_is_told),
		TEST(a_node_that_opens_no_disk_or_another_is_told),
		TEST(any_disk_of_the_host_may_be_the_blind_spot),
		TEST(who_has_a_node_open_is_in_the_way_and_named),
		TEST(a_disk_that_the_kernel_has_open_is_in_use),
		TEST(a_disk_that_the_helper_cannot_examine_is_refused_forced_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
