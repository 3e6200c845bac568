/* SPDX-License-Identifier: MIT */
/* The real helper, spoken to by a main that is an enemy: it takes, gives and writes nothing that
 * would harm the host, whatever it is told. */
#include "core/base/clock.h"
#include "core/base/util.h"
#include "core/helper/blocked.h"
#include "core/helper/helper.h"
#include "tests/core/test.h"
#include "tests/support/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const int64_t SECOND = 1000000000;
static const char GPU[] = "0000:01:00.0", NIC[] = "0000:03:00.0", DISK[] = "0000:04:00.0",
		  DISPLAY[] = "0000:00:02.0", OURS[] = "0000:06:00.0", SPARE[] = "10000:e1:00.0";
static const uint32_t EVERYTHING = UINT32_MAX;
static const struct helper_client CLIENT = {.is_known = true, .uid = 64001, .gid = 64002};

struct ground {
	struct tree *tree;
	struct helper *helper;
	struct helper_config config;
	struct helper_reply reply; /* the last one */
};

static void start(struct ground *g)
{
	assert_int_equal(helper_fork(&g->config, &g->helper), 0);
}

static void restart(struct ground *g)
{
	helper_free(STEAL(g->helper));
	start(g);
}

static int setup(void **state)
{
	static const struct allowlist everything;
	struct ground *g = calloc(1, sizeof(*g));

	g->tree = tree_new_standard();
	g->config = (struct helper_config){
		.root = tree_root(g->tree),
		.lock_fd = tree_open_locks(g->tree),
		.allow = &everything,
		.client = CLIENT,
	};
	start(g);
	*state = g;
	return 0;
}

static int teardown(void **state)
{
	struct ground *g = *state;

	helper_free(g->helper);
	close(g->config.lock_fd);
	tree_free(g->tree);
	free(g);
	return 0;
}

static struct helper_request request_of(enum helper_op op, const char *device, const char *name)
{
	struct helper_request request = {.op = op};

	assert_true(pci_address_parse(device, &request.address));
	snprintf(request.name, sizeof(request.name), "%s", name);
	return request;
}

/* The errno that the privileged helper answers. */
static int send_request(struct ground *g, const struct helper_request *request)
{
	assert_int_equal(helper_call(g->helper, request, now_ns() + 20 * SECOND, &g->reply), 0);
	return g->reply.error;
}

static int call(
	struct ground *g, enum helper_op op, const char *device, const char *name, uint32_t force)
{
	struct helper_request request = request_of(op, device, name);

	request.force = force;
	return send_request(g, &request);
}

static void assert_refused(const struct ground *g, enum core_reason reason)
{
	assert_int_equal(g->reply.error, EPERM);
	assert_string_equal(g->reply.refused ? core_reason_name(g->reply.refused - 1) : "",
		core_reason_name(reason));
	assert_true(g->reply.text[0]);
}

static void assert_unwritten(struct ground *g, const char *driver, const char *attribute)
{
	char path[128];

	snprintf(path, sizeof(path), "sys/bus/pci/drivers/%s/%s", driver, attribute);
	CLEANUP(free_cleanup) char *now = tree_read(g->tree, path);
	assert_non_null(now);
	assert_string_equal(now, "");
}

/* Neither as it is nor with every guard forced. */
static void assert_never_taken(
	struct ground *g, const char *device, const char *driver, enum core_reason reason)
{
	call(g, HELPER_UNBIND, device, driver, 0);
	assert_refused(g, reason);
	call(g, HELPER_UNBIND, device, driver, EVERYTHING);
	assert_refused(g, reason);
	assert_unwritten(g, driver, "unbind");
}

/* Unless that very guard is forced, where the server lets it be. */
static void assert_guarded(
	struct ground *g, const char *device, const char *driver, enum core_reason reason)
{
	call(g, HELPER_UNBIND, device, driver, 0);
	assert_refused(g, reason);
	call(g, HELPER_UNBIND, device, driver, ~(1u << reason));
	assert_refused(g, reason);
	assert_unwritten(g, driver, "unbind");
	g->config.deny_force = 1u << reason;
	restart(g);
	call(g, HELPER_UNBIND, device, driver, EVERYTHING);
	assert_refused(g, reason);
	assert_unwritten(g, driver, "unbind");
	g->config.deny_force = ~g->config.deny_force;
	restart(g);
	assert_int_equal(call(g, HELPER_UNBIND, device, driver, 1u << reason), 0);
}

static void open_file(struct ground *g, int pid, const char *command, const char *target)
{
	char path[300];

	snprintf(path, sizeof(path), "proc/%d/comm", pid);
	tree_write(g->tree, path, "%s\n", command);
	snprintf(path, sizeof(path), "proc/%d/fd", pid);
	tree_mkdir(g->tree, path);
	snprintf(path, sizeof(path), "%s/proc/%d/fd/3", tree_root(g->tree), pid);
	assert_int_equal(symlink(target, path), 0);
}

static void the_mounted_root_disk_is_never_taken(void **state)
{
	assert_never_taken(*state, DISK, "nvme", REASON_DISK_IN_USE);
	assert_non_null(strstr(((struct ground *)*state)->reply.text, "mounted on /"));
}

static void nor_is_one_that_is_swapped_to(void **state)
{
	struct ground *g = *state;

	tree_add_disk(
		g->tree, &(struct tree_disk){.name = "nvme7n1", .address = SPARE, .swap = true});
	assert_never_taken(g, SPARE, "nvme", REASON_DISK_IN_USE);
}

static void nor_is_one_of_an_array(void **state)
{
	struct ground *g = *state;

	tree_add_disk(g->tree, &(struct tree_disk){.name = "md127"});
	tree_add_disk(g->tree,
		&(struct tree_disk){.name = "nvme7n1", .address = SPARE, .holder = "md127"});
	assert_never_taken(g, SPARE, "nvme", REASON_DISK_IN_USE);
}

static void the_default_route_is_guarded(void **state)
{
	assert_guarded(*state, NIC, "e1000e", REASON_NIC_IN_USE);
}

static void the_display_booted_on_is_guarded(void **state)
{
	struct ground *g = *state;

	/* From a driver, and when it never had one. */
	tree_unbind(g->tree, DISPLAY);
	call(g, HELPER_BIND, DISPLAY, "vfio-pci", ~(1u << REASON_BOOT_DISPLAY));
	assert_refused(g, REASON_BOOT_DISPLAY);
	tree_set_override(g->tree, DISPLAY, "vfio-pci");
	call(g, HELPER_PROBE, DISPLAY, "", 0);
	assert_refused(g, REASON_BOOT_DISPLAY);
	tree_bind(g->tree, DISPLAY, "i915");
	assert_guarded(g, DISPLAY, "i915", REASON_BOOT_DISPLAY);
}

static void an_open_node_is_guarded(void **state)
{
	struct ground *g = *state;

	tree_mkdir(g->tree, "sys/bus/pci/devices/0000:01:00.0/drm/card0");
	open_file(g, 78, "Xorg", "/dev/dri/card0");
	assert_guarded(g, GPU, "nvidia", REASON_NODE_IN_USE);
}

static void a_physical_function_with_virtual_ones_is_guarded(void **state)
{
	assert_guarded(*state, "0000:05:00.0", "igb", REASON_PF_HAS_VFS);
}

static void a_user_by_vfio_is_guarded(void **state)
{
	struct ground *g = *state;

	open_file(g, 77, "qemu", "/dev/vfio/9");
	assert_guarded(g, OURS, "vfio-pci", REASON_VFIO_IN_USE);
}

static void so_is_one_who_has_it_mapped(void **state)
{
	struct ground *g = *state;

	tree_write(g->tree, "proc/77/comm", "qemu\n");
	tree_mkdir(g->tree, "proc/77/fd");
	tree_write(g->tree, "proc/77/maps",
		"7f00-7f01 rw-s 00000000 00:0e 9 anon_inode:[vfio-device]\n");
	tree_write(g->tree, "sys/bus/pci/devices/0000:06:00.0/enable", "1\n");
	assert_guarded(g, OURS, "vfio-pci", REASON_VFIO_IN_USE);
}

/* A native driver may have left it, and then nothing could be undone. */
static void a_use_count_alone_is_nobody(void **state)
{
	struct ground *g = *state;

	tree_write(g->tree, "sys/bus/pci/devices/0000:06:00.0/enable", "1\n");
	assert_int_equal(call(g, HELPER_UNBIND, OURS, "vfio-pci", 0), 0);
}

static void a_device_is_taken_from_the_driver_that_has_it_alone(void **state)
{
	struct ground *g = *state;

	assert_int_equal(call(g, HELPER_UNBIND, DISK, "e1000e", EVERYTHING), ENODEV);
	assert_int_equal(call(g, HELPER_UNBIND, DISK, "vfio-pci", EVERYTHING), ENODEV);
	assert_int_equal(call(g, HELPER_BIND, GPU, "vfio-pci", EVERYTHING), EBUSY);
	assert_unwritten(g, "vfio-pci", "unbind");
	assert_unwritten(g, "vfio-pci", "bind");
}

/* An override makes the kernel skip the ids. */
static void no_override_helps_a_device_to_a_foreign_driver(void **state)
{
	static const char *const texts[] = {"nvme", "nvidia", "any text", ".", "..", "../vfio-pci",
		"../../../../../tmp/vfio_pci", ".hidden_vfio_pci", "vfio-pci\n", "vfio pci",
		"vfio-pci "};
	struct ground *g = *state;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		call(g, HELPER_OVERRIDE_SET, GPU, texts[i], EVERYTHING);
		assert_refused(g, REASON_PERMISSION);
	}
	CLEANUP(free_cleanup)
	char *now = tree_read(g->tree, "sys/bus/pci/devices/0000:01:00.0/driver_override");
	assert_string_equal(now, "(null)\n");
	/* Nor does one for VFIO help it to a native driver. */
	tree_unbind(g->tree, GPU);
	assert_int_equal(call(g, HELPER_OVERRIDE_SET, GPU, "vfio-pci", 0), 0);
	assert_int_equal(call(g, HELPER_BIND, GPU, "nvme", EVERYTHING), ENODEV);
	assert_unwritten(g, "nvme", "bind");
	assert_int_equal(call(g, HELPER_OVERRIDE_SET, GPU, "", 0), 0);
}

static void a_driver_is_named_by_its_name_and_no_path(void **state)
{
	static const char *const names[] = {".", "..", ".nvidia", "../nvidia", "../drivers/nvidia"};
	struct ground *g = *state;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(call(g, HELPER_UNBIND, GPU, names[i], EVERYTHING), EINVAL);
		assert_int_equal(call(g, HELPER_BIND, GPU, names[i], EVERYTHING), EINVAL);
	}
	assert_unwritten(g, "nvidia", "unbind");
}

/* Overrides a device by hand, as driverctl does, and has the privileged helper write over it. */
static void override_and_bind(struct ground *g, const char *device, const char *text)
{
	tree_set_override(g->tree, device, text);
	assert_int_equal(call(g, HELPER_OVERRIDE_SET, device, "vfio-pci", 0), 0);
}

static void an_override_of_the_hosts_own_is_given_back(void **state)
{
	static const char *const texts[] = {"igb_uio", " any text ", "none"};
	struct ground *g = *state;
	char now[OVERRIDE_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		override_and_bind(g, GPU, texts[i]);
		assert_int_equal(call(g, HELPER_OVERRIDE_SET, GPU, "", 0), 0);
		restart(g);
		/* Of that device, and no other. */
		call(g, HELPER_OVERRIDE_SET, SPARE, texts[i], 0);
		assert_refused(g, REASON_PERMISSION);
		assert_int_equal(call(g, HELPER_OVERRIDE_SET, GPU, texts[i], 0), 0);
		tree_override(g->tree, GPU, now, sizeof(now));
		assert_string_equal(now, texts[i]);
		/* Then it is where it belongs. */
		assert_int_equal(
			faccessat(g->config.lock_fd, "0000:01:00.0.override", F_OK, 0), -1);
		tree_set_override(g->tree, GPU, "");
		call(g, HELPER_OVERRIDE_SET, GPU, texts[i], 0);
		assert_refused(g, REASON_PERMISSION);
	}
}

/* As repair does of a device that the change had not come to. */
static void one_that_is_there_still_may_be_set_again(void **state)
{
	struct ground *g = *state;

	tree_set_override(g->tree, GPU, "igb_uio");
	assert_int_equal(call(g, HELPER_OVERRIDE_SET, GPU, "igb_uio", 0), 0);
	call(g, HELPER_OVERRIDE_SET, GPU, "nvme", 0);
	assert_refused(g, REASON_PERMISSION);
}

static void what_another_tool_writes_meanwhile_is_kept_too(void **state)
{
	struct ground *g = *state;

	override_and_bind(g, GPU, "first");
	override_and_bind(g, GPU, "second");
	assert_int_equal(call(g, HELPER_OVERRIDE_SET, GPU, "first", 0), 0);
	assert_int_equal(call(g, HELPER_OVERRIDE_SET, GPU, "second", 0), 0);
	/* By the hundred, it does not grow. */
	for (int i = 0; i < 100; i++) {
		char text[16];
		snprintf(text, sizeof(text), "tool%d", i);
		override_and_bind(g, GPU, text);
	}
	assert_int_equal(call(g, HELPER_OVERRIDE_SET, GPU, "tool99", 0), 0);
	call(g, HELPER_OVERRIDE_SET, GPU, "tool1", 0);
	assert_refused(g, REASON_PERMISSION);
}

static void a_record_is_of_this_boot_and_this_device(void **state)
{
	static const char BOOT[] = "proc/sys/kernel/random/boot_id";
	struct ground *g = *state;

	tree_write(g->tree, BOOT, "11111111-1111-1111-1111-111111111111\n");
	override_and_bind(g, GPU, "igb_uio");
	tree_write(g->tree, "sys/bus/pci/devices/0000:01:00.0/device", "0x1234\n");
	call(g, HELPER_OVERRIDE_SET, GPU, "igb_uio", 0);
	assert_refused(g, REASON_PERMISSION);
	tree_write(g->tree, "sys/bus/pci/devices/0000:01:00.0/device", "0x2204\n");
	tree_write(g->tree, BOOT, "22222222-2222-2222-2222-222222222222\n");
	call(g, HELPER_OVERRIDE_SET, GPU, "igb_uio", 0);
	assert_refused(g, REASON_PERMISSION);
	tree_write(g->tree, BOOT, "11111111-1111-1111-1111-111111111111\n");
	assert_int_equal(call(g, HELPER_OVERRIDE_SET, GPU, "igb_uio", 0), 0);
}

/* What would be written over and could not be given back stays. */
static void an_override_that_cannot_be_kept_is_not_written_over(void **state)
{
	struct ground *g = *state;
	char now[OVERRIDE_SIZE];

	assert_int_equal(mkdirat(g->config.lock_fd, "0000:01:00.0.override", 0755), 0);
	tree_set_override(g->tree, GPU, "igb_uio");
	assert_int_equal(call(g, HELPER_OVERRIDE_SET, GPU, "vfio-pci", 0), EISDIR);
	tree_override(g->tree, GPU, now, sizeof(now));
	assert_string_equal(now, "igb_uio");
	call(g, HELPER_OVERRIDE_SET, GPU, "elsewhere", 0);
	assert_refused(g, REASON_KERNEL_REFUSED);
}

static int set_node(struct ground *g, const char *device, struct node_access access)
{
	struct helper_request request = request_of(HELPER_NODE_SET, device, "");

	request.force = EVERYTHING;
	request.access = access;
	return send_request(g, &request);
}

static void a_node_is_for_neither_main_nor_everybody(void **state)
{
	static const struct node_access never[] = {
		{.has_uid = true, .uid = 64001},
		{.has_gid = true, .gid = 64002},
		{.has_uid = true, .uid = 1, .has_gid = true, .gid = 64002},
		{.has_mode = true, .mode = 0666},
		{.has_mode = true, .mode = 0661},
		{.has_mode = true, .mode = 0770},
		{.has_mode = true, .mode = 04660},
		{.has_mode = true, .mode = UINT32_MAX},
	};
	struct ground *g = *state;
	struct stat before, after;
	char path[300];

	snprintf(path, sizeof(path), "%s/dev/vfio/9", tree_root(g->tree));
	assert_int_equal(stat(path, &before), 0);
	for (size_t i = 0; i < ARRAY_SIZE(never); i++) {
		set_node(g, OURS, never[i]);
		assert_refused(g, REASON_NODE_NOT_SET);
	}
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_uid, before.st_uid);
	assert_int_equal(after.st_gid, before.st_gid);
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_equal(
		set_node(g, OURS, (struct node_access){.has_mode = true, .mode = 0640}), 0);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_mode & 07777, 0640);
	/* A device of the host's has none to give. */
	assert_int_equal(
		set_node(g, GPU, (struct node_access){.has_mode = true, .mode = 0640}), ENOENT);
}

/* Replaces an attribute by something that cannot be read. */
static void spoil(struct ground *g, const char *path)
{
	tree_remove(g->tree, path);
	tree_mkdir(g->tree, path);
}

static void what_cannot_be_read_is_not_touched(void **state)
{
	static const char *const attributes[] = {
		"class", "vendor", "device", "boot_vga", "sriov_totalvfs"};
	static const enum helper_op ops[] = {
		HELPER_OVERRIDE_SET, HELPER_UNBIND, HELPER_BIND, HELPER_PROBE, HELPER_NODE_SET};
	struct ground *g = *state;
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/%s", GPU, attributes[i]);
		CLEANUP(free_cleanup) char *text = tree_read(g->tree, path);
		spoil(g, path);
		for (size_t op = 0; op < ARRAY_SIZE(ops); op++) {
			call(g, ops[op], GPU, ops[op] == HELPER_UNBIND ? "nvidia" : "vfio-pci",
				EVERYTHING);
			assert_refused(g, REASON_KERNEL_REFUSED);
		}
		tree_remove(g->tree, path);
		if (i < 3) { /* which every device has */
			call(g, HELPER_UNBIND, GPU, "nvidia", EVERYTHING);
			assert_refused(g, REASON_KERNEL_REFUSED);
		}
		if (text)
			tree_write(g->tree, path, "%s", text);
	}
	assert_unwritten(g, "nvidia", "unbind");
	assert_int_equal(call(g, HELPER_UNBIND, GPU, "nvidia", 0), 0);
}

static void a_host_that_cannot_be_looked_at_keeps_its_devices(void **state)
{
	static const char *const paths[] = {
		"proc/1/mountinfo", "proc/swaps", "proc/net/route", "proc/net/if_inet6"};
	struct ground *g = *state;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		CLEANUP(free_cleanup) char *text = tree_read(g->tree, paths[i]);
		spoil(g, paths[i]);
		call(g, HELPER_UNBIND, GPU, "nvidia", EVERYTHING);
		assert_refused(g, REASON_KERNEL_REFUSED);
		tree_remove(g->tree, paths[i]);
		tree_write(g->tree, paths[i], "%s", text ? text : "");
	}
	assert_unwritten(g, "nvidia", "unbind");
	assert_int_equal(call(g, HELPER_UNBIND, GPU, "nvidia", 0), 0);
}

static int lock_byte(int fd, short type, off_t byte)
{
	struct flock lock = {.l_type = type, .l_start = byte, .l_len = 1};

	return fcntl(fd, F_OFD_SETLK, &lock);
}

/* A device whose node is being set is no device with a write that does not return. */
static void the_setting_of_a_node_is_waited_for(void **state)
{
	struct ground *g = *state;
	struct helper_request request = request_of(HELPER_UNBIND, OURS, "vfio-pci");
	int fd = openat(g->config.lock_fd, OURS, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(lock_byte(fd, F_WRLCK, 1), 0);
	assert_false(blocked_is_locked(g->config.lock_fd, request.address));
	assert_int_equal(
		helper_call(g->helper, &request, now_ns() + SECOND / 4, &g->reply), -ETIMEDOUT);
	assert_unwritten(g, "vfio-pci", "unbind");
	assert_int_equal(lock_byte(fd, F_UNLCK, 1), 0);
	close(fd);
	while (blocked_is_locked(g->config.lock_fd, request.address))
		usleep(1000);
	/* Its caller had left before it had the lock. */
	assert_unwritten(g, "vfio-pci", "unbind");
	assert_int_equal(helper_call(g->helper, &request, now_ns() + 20 * SECOND, &g->reply), 0);
	CLEANUP(free_cleanup)
	char *now = tree_read(g->tree, "sys/bus/pci/drivers/vfio-pci/unbind");
	assert_string_equal(now, OURS);
}

static void no_node_is_set_beside_a_write(void **state)
{
	struct ground *g = *state;
	struct helper_request request = request_of(HELPER_NODE_SET, OURS, "");
	int fd = openat(g->config.lock_fd, OURS, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(lock_byte(fd, F_WRLCK, 0), 0);
	request.access = (struct node_access){.has_mode = true, .mode = 0640};
	assert_int_equal(
		helper_call(g->helper, &request, now_ns() + 20 * SECOND, &g->reply), -EINPROGRESS);
	close(fd);
	assert_int_equal(send_request(g, &request), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_mounted_root_disk_is_never_taken),
		TEST(nor_is_one_that_is_swapped_to),
		TEST(nor_is_one_of_an_array),
		TEST(the_default_route_is_guarded),
		TEST(the_display_booted_on_is_guarded),
		TEST(an_open_node_is_guarded),
		TEST(a_physical_function_with_virtual_ones_is_guarded),
		TEST(a_user_by_vfio_is_guarded),
		TEST(so_is_one_who_has_it_mapped),
		TEST(a_use_count_alone_is_nobody),
		TEST(a_device_is_taken_from_the_driver_that_has_it_alone),
		TEST(no_override_helps_a_device_to_a_foreign_driver),
		TEST(a_driver_is_named_by_its_name_and_no_path),
		TEST(an_override_of_the_hosts_own_is_given_back),
		TEST(one_that_is_there_still_may_be_set_again),
		TEST(what_another_tool_writes_meanwhile_is_kept_too),
		TEST(a_record_is_of_this_boot_and_this_device),
		TEST(an_override_that_cannot_be_kept_is_not_written_over),
		TEST(a_node_is_for_neither_main_nor_everybody),
		TEST(what_cannot_be_read_is_not_touched),
		TEST(a_host_that_cannot_be_looked_at_keeps_its_devices),
		TEST(the_setting_of_a_node_is_waited_for),
		TEST(no_node_is_set_beside_a_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
