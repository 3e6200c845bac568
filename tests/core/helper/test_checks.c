/* SPDX-License-Identifier: MIT */
/* The privileged helper with an enemy in main's place: it takes, gives and writes nothing that
 * would harm the host, whatever it is told. */
#include "core/pci/real.h"
#include "tests/core/helper/ground.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PLAIN "0000:02:00.0" /* a network card that is not in use */
#define DISK "0000:04:00.0"
#define DISPLAY "0000:00:02.0"

static const uint32_t EVERYTHING = UINT32_MAX;

static int checks_call(
	struct ground *g, enum helper_op op, const char *device, const char *name, uint32_t force)
{
	struct helper_request request = ground_request(op, device, name);

	request.force = force;
	return ground_send(g, &request);
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
	checks_call(g, HELPER_UNBIND, device, driver, 0);
	ground_assert_refused(g, reason);
	checks_call(g, HELPER_UNBIND, device, driver, EVERYTHING);
	ground_assert_refused(g, reason);
	assert_unwritten(g, driver, "unbind");
}

/* Unless that very guard is forced, where the server lets it be. */
static void assert_guarded(
	struct ground *g, const char *device, const char *driver, enum core_reason reason)
{
	checks_call(g, HELPER_UNBIND, device, driver, 0);
	ground_assert_refused(g, reason);
	checks_call(g, HELPER_UNBIND, device, driver, ~(1u << reason));
	ground_assert_refused(g, reason);
	assert_unwritten(g, driver, "unbind");
	g->config.deny_force = 1u << reason;
	ground_restart(g);
	checks_call(g, HELPER_UNBIND, device, driver, EVERYTHING);
	ground_assert_refused(g, reason);
	assert_unwritten(g, driver, "unbind");
	g->config.deny_force = ~g->config.deny_force;
	ground_restart(g);
	assert_int_equal(checks_call(g, HELPER_UNBIND, device, driver, 1u << reason), 0);
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

/* The disk has no node, which only a real host's must have. */
static void nor_is_one_that_cannot_be_examined(void **state)
{
	struct sysfs host = SYSFS_INIT;
	struct ground *g = *state;

	tree_add_disk(g->tree, &(struct tree_disk){.name = "nvme7n1", .address = SPARE});
	assert_int_equal(sysfs_open(&host, tree_root(g->tree)), 0);
	host.is_real = true;
	g->config.sysfs = &host;
	ground_restart(g);
	assert_never_taken(g, SPARE, "nvme", REASON_BLIND);
	assert_non_null(strstr(g->reply.text, "/dev/nvme7n1"));
	assert_int_equal(ground_call(g, HELPER_DISKS, "0000:00:00.0", ""), 0);
	assert_int_equal(g->reply.blind.error, ENOENT);
	g->config.sysfs = NULL;
	ground_restart(g);
	assert_int_equal(ground_call(g, HELPER_DISKS, "0000:00:00.0", ""), 0);
	assert_int_equal(g->reply.blind.error, 0);
	assert_int_equal(checks_call(g, HELPER_UNBIND, SPARE, "nvme", 0), 0);
	sysfs_close(&host);
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
	checks_call(g, HELPER_BIND, DISPLAY, "vfio-pci", ~(1u << REASON_BOOT_DISPLAY));
	ground_assert_refused(g, REASON_BOOT_DISPLAY);
	tree_set_override(g->tree, DISPLAY, "vfio-pci");
	checks_call(g, HELPER_PROBE, DISPLAY, "", 0);
	ground_assert_refused(g, REASON_BOOT_DISPLAY);
	tree_bind(g->tree, DISPLAY, "i915");
	assert_guarded(g, DISPLAY, "i915", REASON_BOOT_DISPLAY);
}

static void an_open_node_is_guarded(void **state)
{
	struct ground *g = *state;

	tree_add_node(g->tree, &(struct tree_node){GPU, "drm/card0", "226:0", "dri/card0"});
	ground_open_file(g, 78, "Xorg", "/dev/dri/card0");
	assert_guarded(g, GPU, "nvidia", REASON_NODE_IN_USE);
}

static void a_physical_function_with_virtual_ones_is_guarded(void **state)
{
	assert_guarded(*state, "0000:05:00.0", "igb", REASON_PF_HAS_VFS);
}

static void a_user_by_vfio_is_guarded(void **state)
{
	struct ground *g = *state;

	ground_open_file(g, 77, "qemu", "/dev/vfio/9");
	assert_guarded(g, FOREIGN, "vfio-pci", REASON_VFIO_IN_USE);
}

static void so_is_one_who_has_it_mapped(void **state)
{
	struct ground *g = *state;

	tree_write(g->tree, "proc/77/comm", "qemu\n");
	tree_mkdir(g->tree, "proc/77/fd");
	tree_write(g->tree, "proc/77/maps",
		"7f00-7f01 rw-s 00000000 00:0e 9 anon_inode:[vfio-device]\n");
	tree_write(g->tree, "sys/bus/pci/devices/0000:06:00.0/enable", "1\n");
	assert_guarded(g, FOREIGN, "vfio-pci", REASON_VFIO_IN_USE);
}

/* A native driver may have left it, and then nothing could be undone. */
static void a_use_count_alone_is_nobody(void **state)
{
	struct ground *g = *state;

	tree_write(g->tree, "sys/bus/pci/devices/0000:06:00.0/enable", "1\n");
	assert_int_equal(checks_call(g, HELPER_UNBIND, FOREIGN, "vfio-pci", 0), 0);
}

static void a_device_is_taken_from_the_driver_that_has_it_alone(void **state)
{
	struct ground *g = *state;

	assert_int_equal(checks_call(g, HELPER_UNBIND, DISK, "e1000e", EVERYTHING), ENODEV);
	assert_int_equal(checks_call(g, HELPER_UNBIND, DISK, "vfio-pci", EVERYTHING), ENODEV);
	assert_int_equal(checks_call(g, HELPER_BIND, GPU, "vfio-pci", EVERYTHING), EBUSY);
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
		checks_call(g, HELPER_OVERRIDE_SET, GPU, texts[i], EVERYTHING);
		ground_assert_refused(g, REASON_PERMISSION);
	}
	CLEANUP(free_cleanup)
	char *now = tree_read(g->tree, "sys/bus/pci/devices/0000:01:00.0/driver_override");
	assert_string_equal(now, "(null)\n");
	/* Nor does one for VFIO help it to a native driver. */
	tree_unbind(g->tree, GPU);
	assert_int_equal(checks_call(g, HELPER_OVERRIDE_SET, GPU, "vfio-pci", 0), 0);
	assert_int_equal(checks_call(g, HELPER_BIND, GPU, "nvme", EVERYTHING), ENODEV);
	assert_unwritten(g, "nvme", "bind");
	assert_int_equal(checks_call(g, HELPER_OVERRIDE_SET, GPU, "", 0), 0);
}

static void a_driver_is_named_by_its_name_and_no_path(void **state)
{
	static const char *const names[] = {".", "..", ".nvidia", "../nvidia", "../drivers/nvidia"};
	struct ground *g = *state;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(checks_call(g, HELPER_UNBIND, GPU, names[i], EVERYTHING), EINVAL);
		assert_int_equal(checks_call(g, HELPER_BIND, GPU, names[i], EVERYTHING), EINVAL);
	}
	assert_unwritten(g, "nvidia", "unbind");
}

static int set_node(struct ground *g, const char *device, struct node_access access)
{
	struct helper_request request = ground_request(HELPER_NODE_SET, device, "");

	request.force = EVERYTHING;
	request.access = access;
	return ground_send(g, &request);
}

static void a_node_is_for_neither_main_nor_everybody(void **state)
{
	static const struct node_access never[] = {
		{.has_uid = true, .uid = CLIENT_UID},
		{.has_gid = true, .gid = CLIENT_GID},
		{.has_uid = true, .uid = 1, .has_gid = true, .gid = CLIENT_GID},
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
		set_node(g, FOREIGN, never[i]);
		ground_assert_refused(g, REASON_NODE_NOT_SET);
	}
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_uid, before.st_uid);
	assert_int_equal(after.st_gid, before.st_gid);
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_equal(
		set_node(g, FOREIGN, (struct node_access){.has_mode = true, .mode = 0640}), 0);
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
			checks_call(g, ops[op], GPU,
				ops[op] == HELPER_UNBIND ? "nvidia" : "vfio-pci", EVERYTHING);
			ground_assert_refused(g, REASON_KERNEL_REFUSED);
		}
		tree_remove(g->tree, path);
		if (i < 3) { /* which every device has */
			checks_call(g, HELPER_UNBIND, GPU, "nvidia", EVERYTHING);
			ground_assert_refused(g, REASON_KERNEL_REFUSED);
		}
		if (text)
			tree_write(g->tree, path, "%s", text);
	}
	assert_unwritten(g, "nvidia", "unbind");
	assert_int_equal(checks_call(g, HELPER_UNBIND, GPU, "nvidia", 0), 0);
}

static void a_host_that_cannot_be_looked_at_keeps_its_devices(void **state)
{
	static const char *const paths[] = {
		"proc/1/mountinfo", "proc/swaps", "proc/net/route", "proc/net/if_inet6"};
	struct ground *g = *state;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		CLEANUP(free_cleanup) char *text = tree_read(g->tree, paths[i]);
		spoil(g, paths[i]);
		checks_call(g, HELPER_UNBIND, GPU, "nvidia", EVERYTHING);
		ground_assert_refused(g, REASON_KERNEL_REFUSED);
		tree_remove(g->tree, paths[i]);
		tree_write(g->tree, paths[i], "%s", text ? text : "");
	}
	assert_unwritten(g, "nvidia", "unbind");
	assert_int_equal(checks_call(g, HELPER_UNBIND, GPU, "nvidia", 0), 0);
}

static void bridges_are_refused(void **state)
{
	static const enum helper_op changes[] = {
		HELPER_OVERRIDE_SET, HELPER_UNBIND, HELPER_BIND, HELPER_PROBE};
	struct ground *g = *state;

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		assert_int_equal(ground_call(g, changes[i], "0000:00:01.0", "vfio-pci"), EPERM);
	ground_assert_file(g, "sys/bus/pci/drivers/pcieport/unbind", "");
	ground_assert_file(g, "sys/bus/pci/drivers/vfio-pci/bind", "");
	ground_assert_file(g, "sys/bus/pci/devices/0000:00:01.0/driver_override", "(null)\n");
}

/* The privileged helper's own, whatever main thought. */
static void what_the_allowlist_has_not_stays_on_its_native_driver(void **state)
{
	struct ground *g = *state;

	ground_allow_nvidia(g);
	ground_restart(g);
	assert_int_equal(ground_call(g, HELPER_UNBIND, PLAIN, "e1000e"), EPERM);
	tree_unbind(g->tree, PLAIN);
	static const char *const vfio[] = {"vfio-pci", "mlx5_vfio_pci", "virtio_vfio_pci"};
	for (size_t i = 0; i < ARRAY_SIZE(vfio); i++) {
		tree_add_driver(g->tree, vfio[i]);
		assert_int_equal(ground_call(g, HELPER_OVERRIDE_SET, PLAIN, vfio[i]), EPERM);
		assert_int_equal(ground_call(g, HELPER_BIND, PLAIN, vfio[i]), EPERM);
	}
	ground_assert_file(g, "sys/bus/pci/devices/0000:02:00.0/driver_override", "(null)\n");
	ground_assert_file(g, "sys/bus/pci/drivers/e1000e/unbind", "");
	ground_assert_file(g, "sys/bus/pci/drivers/vfio-pci/bind", "");
	/* Others are as they were. */
	assert_int_equal(ground_call(g, HELPER_OVERRIDE_SET, GPU, "vfio-pci"), 0);
	assert_int_equal(ground_call(g, HELPER_UNBIND, GPU, "nvidia"), 0);
	tree_unbind(g->tree, GPU);
	assert_int_equal(ground_call(g, HELPER_BIND, GPU, "vfio-pci"), 0);
}

static void giving_back_is_never_denied(void **state)
{
	struct ground *g = *state;

	ground_allow_nvidia(g);
	ground_restart(g);
	assert_int_equal(ground_call(g, HELPER_OVERRIDE_SET, FOREIGN, ""), 0);
	assert_int_equal(ground_call(g, HELPER_UNBIND, FOREIGN, "vfio-pci"), 0);
	ground_assert_file(g, "sys/bus/pci/drivers/vfio-pci/unbind", FOREIGN);
	tree_unbind(g->tree, FOREIGN);
	assert_int_equal(ground_call(g, HELPER_BIND, FOREIGN, "nvme"), 0);
	assert_int_equal(ground_call(g, HELPER_PROBE, FOREIGN, ""), 0);
	/* A driverless one has nothing to be taken from. */
	assert_int_equal(ground_call(g, HELPER_UNBIND, "0000:08:00.0", "nvme"), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, ground_setup, ground_teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_mounted_root_disk_is_never_taken),
		TEST(nor_is_one_that_is_swapped_to),
		TEST(nor_is_one_of_an_array),
		TEST(nor_is_one_that_cannot_be_examined),
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
		TEST(a_node_is_for_neither_main_nor_everybody),
		TEST(what_cannot_be_read_is_not_touched),
		TEST(a_host_that_cannot_be_looked_at_keeps_its_devices),
		TEST(bridges_are_refused),
		TEST(what_the_allowlist_has_not_stays_on_its_native_driver),
		TEST(giving_back_is_never_denied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
