/* SPDX-License-Identifier: MIT */
/* The nodes of a device's native driver, and who has them open. */
#include "core/base/util.h"
#include "core/use/disk_claim.h"
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

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct node_number *)a)->name, ((const struct node_number *)b)->name);
}

/* The device's nodes as text: their paths, sorted; or the errno. */
static void nodes_text(struct fixture *f, const char *address, char *text, size_t size)
{
	CLEANUP(fd_cleanup) int root = open(tree_root(f->tree), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct sysfs sysfs = {.root_fd = root};
	CLEANUP(node_numbers_clear) struct node_numbers nodes = {0};
	const struct pci_address a = fixture_address(address);
	bool has;

	text[0] = '\0';
	assert_int_equal(native_nodes_find(&sysfs, &a, 1, &nodes), 0);
	assert_int_equal(native_nodes_have(&sysfs, &a, 1, &has), 0);
	assert_int_equal(has, nodes.count > 0);
	for (size_t i = 0; i < nodes.count; i++) {
		assert_true(pci_address_equal(nodes.items[i].address, a));
		native_node_name(&sysfs, &nodes.items[i]);
	}
	if (nodes.count > 1)
		qsort(nodes.items, nodes.count, sizeof(*nodes.items), compare);
	for (size_t i = 0; i < nodes.count; i++) {
		size_t n = strlen(text);
		snprintf(text + n, size - n, "%s%s", i ? " " : "", nodes.items[i].name);
	}
}

static void assert_nodes(struct fixture *f, const char *address, const char *expected)
{
	char text[4096];

	nodes_text(f, address, text, sizeof(text));
	assert_string_equal(text, expected);
}

/* All of these were in lists of classes once, or in none. */
static void whatever_is_linked_is_a_node(void **state)
{
	static const struct {
		const char *path, *node;
	} rows[] = {
		{"drm/card0", "dri/card0"},
		{"drm/renderD128", "dri/renderD128"},
		{"graphics/fb3", "fb3"},
		{"accel/accel12", "accel/accel12"},
		{"infiniband_verbs/uverbs0", "infiniband/uverbs0"},
		{"sound/card1/controlC1", "snd/controlC1"},
		{"sound/card1/pcmC1D3p", "snd/pcmC1D3p"},
		{"sound/card1/hwC1D0", "snd/hwC1D0"},
		{"usb3/3-1", "bus/usb/003/002"},
		{"nvme/nvme0", "nvme0"},
		{"uio/uio0", "uio0"},
		{"ptp/ptp0", "ptp0"},
		{"usb3/3-1/3-1:1.0/ttyUSB0/tty/ttyUSB0", "ttyUSB0"},
		{"usb3/3-2/3-2:1.0/0003:046D:C31C.0001/input/input5/event4", "input/event4"},
		{"ata1/host0/target0:0:0/0:0:0:0/scsi_generic/sg0", "sg0"},
		{"vdpa0/vhost-vdpa-0", "vhost-vdpa-0"},
		{"misc/watchdog", "watchdog"},
		{"nobody/thought/of/this0", "of/this0"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char path[64];

		fixture_setup(state);
		struct fixture *f = *state;
		assert_nodes(f, GPU, "");
		tree_add_node(
			f->tree, &(struct tree_node){GPU, rows[i].path, "247:7", rows[i].node});
		snprintf(path, sizeof(path), "/dev/%s", rows[i].node);
		assert_nodes(f, GPU, path);
		assert_nodes(f, "0000:01:00.1", "");
		assert_nodes(f, SPARE, "");
		fixture_teardown(state);
	}
}

static void a_node_that_udev_does_not_name_is_its_number(void **state)
{
	struct fixture *f = *state;

	tree_add_node(f->tree, &(struct tree_node){GPU, "x/x0", "247:0", NULL});
	tree_add_node(f->tree, &(struct tree_node){GPU, "x/x1", "247:1", ""});
	assert_nodes(f, GPU, "char 247:0 char 247:1");
}

static void a_hostile_name_is_cut_and_cleaned(void **state)
{
	struct fixture *f = *state;

	tree_add_node(f->tree,
		&(struct tree_node){GPU, "x/x0", "247:0",
			"\x1b[2Jaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"});
	assert_nodes(f, GPU, "/dev/?[2Jaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
}

/* The node by which a VFIO user opens the device is looked for otherwise. A mediated device's is a
 * use of its parent. */
static void vfio_nodes_are_not_native(void **state)
{
	struct fixture *f = *state;

	tree_add_node(f->tree, &(struct tree_node){GPU, "vfio-dev/vfio0", "511:0", "vfio0"});
	assert_nodes(f, GPU, "");
	tree_add_node(f->tree,
		&(struct tree_node){GPU, "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001/vfio-dev/vfio1",
			"511:1", "vfio/devices/vfio1"});
	assert_nodes(f, GPU, "/dev/vfio/devices/vfio1");
}

/* A multipath head is below its subsystem, which tells its controllers. */
static void a_multipath_head_hangs_on_each_controller(void **state)
{
	static const char SUBSYSTEM[] = "sys/devices/virtual/nvme-subsystem/nvme-subsys0";
	struct fixture *f = *state;
	char path[128];

	tree_add_node(f->tree,
		&(struct tree_node){NULL, "nvme-subsystem/nvme-subsys0/ng0n1", "240:0", "ng0n1"});
	assert_nodes(f, SPARE, "");
	tree_mkdir(f->tree, "sys/bus/pci/devices/10000:e1:00.0/nvme/nvme5");
	snprintf(path, sizeof(path), "%s/nvme5", SUBSYSTEM);
	tree_link(f->tree, path, "sys/bus/pci/devices/10000:e1:00.0/nvme/nvme5");
	assert_nodes(f, SPARE, "/dev/ng0n1");
}

static void what_is_no_number_is_left_out(void **state)
{
	static const char *const names[] = {
		"247", "247:", ":0", "247:0x", "x247:0", "-1:0", "99999999999:1"};
	struct fixture *f = *state;
	char path[64];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "sys/dev/char/%s", names[i]);
		tree_link(f->tree, path, "sys/bus/pci/devices/0000:01:00.0/drm/card0");
	}
	assert_nodes(f, GPU, "");
	assert_nodes(f, "0000:99:00.0", "");
}

static void there_may_be_more_than_are_looked_for(void **state)
{
	CLEANUP(fd_cleanup) int root = -1;
	CLEANUP(node_numbers_clear) struct node_numbers nodes = {0};
	const struct pci_address gpu = fixture_address(GPU);
	struct fixture *f = *state;
	char path[64];

	for (int i = 0; i <= NODES_MAX; i++) {
		snprintf(path, sizeof(path), "sys/dev/char/300:%d", i);
		tree_link(f->tree, path, "sys/bus/pci/devices/0000:01:00.0/x");
	}
	root = open(tree_root(f->tree), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(
		native_nodes_find(&(struct sysfs){.root_fd = root}, &gpu, 1, &nodes), E2BIG);
	assert_int_equal(nodes.count, 0);
}

/* What cannot be looked at is not unused. On a real host the folder is always there. */
static void a_folder_that_cannot_be_read_is_an_error(void **state)
{
	struct fixture *f = *state;
	CLEANUP(fd_cleanup) int root = open(tree_root(f->tree), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct pci_address gpu = fixture_address(GPU);
	CLEANUP(node_numbers_clear) struct node_numbers nodes = {0};
	struct sysfs host = {.root_fd = root};

	tree_remove(f->tree, "sys/dev/char");
	assert_int_equal(native_nodes_find(&host, &gpu, 1, &nodes), 0);
	host.is_real = true;
	assert_int_equal(native_nodes_find(&host, &gpu, 1, &nodes), ENOENT);
	tree_write(f->tree, "sys/dev/char", "%s", "");
	host.is_real = false;
	assert_int_equal(native_nodes_find(&host, &gpu, 1, &nodes), ENOTDIR);
}

static void one_search_serves_many_devices(void **state)
{
	struct fixture *f = *state;
	CLEANUP(fd_cleanup) int root = open(tree_root(f->tree), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct sysfs sysfs = {.root_fd = root};
	const struct pci_address devices[] = {fixture_address(SPARE), fixture_address(GPU),
		fixture_address("0000:02:00.0"), fixture_address("0000:04:00.0")};
	bool has[ARRAY_SIZE(devices)];

	tree_add_node(f->tree, &(struct tree_node){GPU, "drm/card0", "226:0", "dri/card0"});
	tree_add_node(f->tree, &(struct tree_node){SPARE, "nvme/nvme1", "242:1", "nvme1"});
	assert_int_equal(native_nodes_have(&sysfs, devices, ARRAY_SIZE(devices), has), 0);
	assert_true(has[0]);
	assert_true(has[1]);
	assert_false(has[2]);
	assert_true(has[3]); /* its disk */
}

static void the_console_is_where_the_kernel_draws_it(void **state)
{
	struct fixture *f = *state;
	CLEANUP(fd_cleanup) int root = open(tree_root(f->tree), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_false(native_nodes_show_console(root));
	tree_write(f->tree, "sys/class/vtconsole/vtcon0/name", "(S) dummy device\n");
	tree_write(f->tree, "sys/class/vtconsole/vtcon0/bind", "1\n");
	tree_write(f->tree, "sys/class/vtconsole/vtcon1/name", "(M) frame buffer device\n");
	tree_write(f->tree, "sys/class/vtconsole/vtcon1/bind", "0\n");
	assert_false(native_nodes_show_console(root));
	tree_write(f->tree, "sys/class/vtconsole/vtcon1/bind", "1\n");
	assert_true(native_nodes_show_console(root));
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

/* These register a node that has no parent. */
static void some_drivers_own_a_misc_node(void **state)
{
	struct fixture *f = *state;

	tree_write(f->tree, "sys/class/misc/watchdog/dev", "10:130\n");
	tree_write(f->tree, "sys/class/misc/sev/dev", "10:124\n");
	assert_nodes(f, GPU, "");
	tree_add_driver(f->tree, "wdt_pci");
	tree_unbind(f->tree, SPARE);
	tree_bind(f->tree, SPARE, "wdt_pci");
	assert_nodes(f, SPARE, "/dev/watchdog");
	tree_add_driver(f->tree, "ccp");
	tree_unbind(f->tree, SPARE);
	tree_bind(f->tree, SPARE, "ccp");
	assert_nodes(f, SPARE, "/dev/sev");
	tree_write(f->tree, "sys/class/misc/sev/dev", "many\n");
	assert_nodes(f, SPARE, "");
}

static void a_switch_of_nvidia_has_all_nodes_of_its_driver(void **state)
{
	struct fixture *f = *state;
	char text[4096];

	tree_add_driver(f->tree, "nvidia-nvswitch");
	tree_unbind(f->tree, SPARE);
	tree_bind(f->tree, SPARE, "nvidia-nvswitch");
	assert_nodes(f, SPARE, "");
	tree_write(f->tree, "proc/devices",
		"Character devices:\n  1 mem\n510 nvidia-nvswitch\n\nBlock devices:\n  8 sd\n");
	nodes_text(f, SPARE, text, sizeof(text));
	assert_non_null(strstr(text, "/dev/nvidia-nvswitch0 /dev/nvidia-nvswitch1 "));
	assert_nodes(f, GPU, "");
}

static void an_accelerator_of_habana_tells_its_address(void **state)
{
	struct fixture *f = *state;

	tree_add_driver(f->tree, "habanalabs");
	tree_unbind(f->tree, SPARE);
	tree_bind(f->tree, SPARE, "habanalabs");
	tree_write(f->tree, "sys/class/habanalabs/hl0/pci_addr", "10000:e1:00.0\n");
	tree_write(f->tree, "sys/class/habanalabs/hl0/dev", "235:0\n");
	tree_write(f->tree, "sys/class/habanalabs/hl1/pci_addr", "0000:01:00.0\n");
	tree_write(f->tree, "sys/class/habanalabs/hl1/dev", "235:2\n");
	assert_nodes(f, SPARE, "/dev/hl0");
}

static void disks_are_their_nodes(void **state)
{
	struct fixture *f = *state;

	assert_nodes(f, "0000:04:00.0", "/dev/nvme0n1 /dev/nvme0n1p1");
	assert_nodes(f, "10000:e1:00.0", "");
}

static const char NODE[] = "/dev/nvme1n1";

/* Looks at the disks of a device as on a real host, and on a simulated one, where nothing is seen
 * of any, and nothing is wrong with that. Returns errno. */
static int look(struct fixture *f, const char *address)
{
	CLEANUP(fd_cleanup) int root = open(tree_root(f->tree), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct sysfs real = {.root_fd = root, .is_real = true}, simulated = {.root_fd = root};
	struct blind_spot blind;

	assert_false(disk_claim_any(&simulated, fixture_address(address), &blind));
	assert_int_equal(blind.error, 0);
	assert_false(disk_claim_any(&real, fixture_address(address), &blind));
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

	disk_claim_find_blind(&host, &blind);
	assert_int_equal(blind.error, 0);
	host.is_real = true;
	disk_claim_find_blind(&host, &blind);
	assert_int_equal(blind.error, ENOENT);
	assert_memory_equal(blind.node, "/dev/nvme0n1", strlen("/dev/nvme0n1"));
	tree_remove(f->tree, "sys/class/block");
	tree_mkdir(f->tree, "sys/class/block");
	disk_claim_find_blind(&host, &blind);
	assert_int_equal(blind.error, 0);
	/* A virtual one goes with no PCI device. */
	tree_add_disk(f->tree, &(struct tree_disk){.name = "md127"});
	disk_claim_find_blind(&host, &blind);
	assert_int_equal(blind.error, 0);
	tree_add_disk(f->tree, &(struct tree_disk){.name = "cciss!c0d0", .address = SPARE});
	disk_claim_find_blind(&host, &blind);
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
	tree_add_node(f->tree, &(struct tree_node){GPU, "drm/card0", "226:0", "dri/card0"});
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

static void one_look_serves_a_request(void **state)
{
	CLEANUP(core_problems_clear) struct core_problems problems = {0};
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	char *const devices[] = {(char *)GPU, (char *)SPARE, "0000:02:00.0"};
	struct holder ptp4l = {.pid = 5,
		.command = "ptp4l",
		.hold = HOLD_NODE,
		.node = "/dev/ptp0",
		.has_address = true,
		.address = fixture_address("0000:02:00.0")};
	struct fixture *f = *state;

	tree_add_node(f->tree, &(struct tree_node){GPU, "drm/card0", "226:0", "dri/card0"});
	tree_add_node(f->tree, &(struct tree_node){SPARE, "nvme/nvme1", "242:1", "nvme1"});
	tree_add_node(f->tree, &(struct tree_node){"0000:02:00.0", "ptp/ptp0", "248:0", "ptp0"});
	fake_helper_set_node_holders(f->fake, &ptp4l, 1, false);
	unsigned before = fake_helper_node_looks(f->fake);
	assert_int_equal(host_check(f->host, devices, ARRAY_SIZE(devices), NULL, fixture_deadline(),
				 &problems, &err),
		0);
	assert_int_equal(fake_helper_node_looks(f->fake) - before, 1);
	assert_int_equal(problems.count, 1);
	assert_string_equal(problems.items[0].subject, "0000:02:00.0");
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
		cmocka_unit_test(whatever_is_linked_is_a_node),
		TEST(a_node_that_udev_does_not_name_is_its_number),
		TEST(a_hostile_name_is_cut_and_cleaned),
		TEST(vfio_nodes_are_not_native),
		TEST(a_multipath_head_hangs_on_each_controller),
		TEST(what_is_no_number_is_left_out),
		TEST(there_may_be_more_than_are_looked_for),
		TEST(a_folder_that_cannot_be_read_is_an_error),
		TEST(one_search_serves_many_devices),
		TEST(the_console_is_where_the_kernel_draws_it),
		TEST(nvidia_tells_in_proc),
		TEST(some_drivers_own_a_misc_node),
		TEST(a_switch_of_nvidia_has_all_nodes_of_its_driver),
		TEST(an_accelerator_of_habana_tells_its_address),
		TEST(disks_are_their_nodes),
		TEST(a_disk_that_cannot_be_examined_is_told),
		TEST(a_node_that_opens_no_disk_or_another_is_told),
		TEST(any_disk_of_the_host_may_be_the_blind_spot),
		TEST(who_has_a_node_open_is_in_the_way_and_named),
		TEST(one_look_serves_a_request),
		TEST(a_disk_that_the_kernel_has_open_is_in_use),
		TEST(a_disk_that_the_helper_cannot_examine_is_refused_forced_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
