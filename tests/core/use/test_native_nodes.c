/* SPDX-License-Identifier: MIT */
/* The nodes of a device's native driver, and who has them open. */
#include "core/base/util.h"
#include "core/use/native_nodes.h"
#include "tests/core/fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static const char GPU[] = "0000:01:00.0";

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

/* What is no block device cannot be claimed, and a link is not followed to one. */
static void only_disks_can_be_claimed(void **state)
{
	CLEANUP(fd_cleanup) int root = -1;
	struct fixture *f = *state;
	const struct nodes nodes = {
		.count = 3, .names = {"/dev/nvme0n1", "/dev/none", "/dev/link"}};

	tree_write(f->tree, "dev/nvme0n1", "a file");
	tree_link(f->tree, "dev/link", "dev/nvme0n1");
	root = open(tree_root(f->tree), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_false(nodes_claimed(root, &nodes));
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
		TEST(only_disks_can_be_claimed),
		TEST(who_has_a_node_open_is_in_the_way_and_named),
		TEST(a_disk_that_the_kernel_has_open_is_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
