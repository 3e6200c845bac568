/* SPDX-License-Identifier: MIT */
/* Boots, and what tells one binding from the next. */
#include "tests/simhost/sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NIC "0000:00:03.0"
#define NIC2 "0000:00:04.0"
#define GPU "0000:01:00.0"
#define PORT "0000:00:1c.0"
#define BOOT_ID "proc/sys/kernel/random/boot_id"

static const char host[] = "driver pcieport managed_dma builtin\n"
			   "driver e1000e ids=8086:10d3\n"
			   "driver nvidia ids=10de:2204\n"
			   "driver vfio-pci vfio\n"
			   "driver idle ids=0001:0002 unloaded\n"
			   "device " PORT " id=8086:a338 class=060400 driver=pcieport\n"
			   "device " NIC " id=8086:10d3 class=020000 group=3\n"
			   "device " NIC2 " id=8086:10d3 class=020000 group=4 driver=none\n"
			   "device " GPU " id=10de:2204 class=030000 group=9 parent=" PORT "\n"
			   "net eth1 device=" NIC " up address\n"
			   "disk sda\n"
			   "mount sda /\n";

static int setup(void **state)
{
	*state = sim_new(host);
	return 0;
}

static int teardown(void **state)
{
	model_free(*state);
	return 0;
}

/* The inode of a link; 0 where there is none. */
static uint64_t inode(struct model *m, const char *folder, const char *name)
{
	struct node parent, node;

	assert_int_equal(sim_walk(m, folder, &parent), 0);
	return view_lookup(m, parent, name, &node) ? 0 : node_number(node);
}

static void each_binding_has_a_link_of_its_own(void **state)
{
	struct model *m = *state;
	uint64_t seen[8];

	for (size_t i = 0; i < 8; i++) {
		seen[i] = inode(m, DEVICE NIC, "driver");
		assert_int_not_equal(seen[i], 0);
		assert_int_equal(inode(m, DEVICE NIC, "driver"), seen[i]);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(seen[i], seen[j]);
		assert_int_equal(sim_write(m, DRIVER "e1000e/unbind", NIC), 0);
		assert_int_equal(inode(m, DEVICE NIC, "driver"), 0);
		assert_int_equal(sim_write(m, DRIVER "e1000e/bind", NIC), 0);
		assert_string_equal(sim_link(m, DEVICE NIC "/driver"), "e1000e");
	}
}

static void a_card_that_comes_back_has_a_folder_of_its_own(void **state)
{
	struct model *m = *state;
	struct node folder, again;

	assert_int_equal(sim_walk(m, DEVICE GPU, &folder), 0);
	assert_int_equal(sim_control(m, "vanish " GPU), 0);
	assert_int_equal(sim_control(m, "appear " GPU), 0);
	assert_int_equal(sim_walk(m, DEVICE GPU, &again), 0);
	assert_int_not_equal(node_number(folder), node_number(again));
}

static void a_mount_is_a_boot_of_its_own(void **state)
{
	struct model *other = sim_new(host);
	char id[64];

	snprintf(id, sizeof(id), "%s", sim_read(*state, BOOT_ID));
	assert_int_equal(strlen(id), 36);
	assert_string_not_equal(id, sim_read(other, BOOT_ID));
	model_free(other);
}

static void a_host_file_may_give_the_boot_id(void **state)
{
	struct model *m = sim_new("boot_id 01234567-89ab-4def-8123-456789abcdef\n");

	(void)state;
	assert_string_equal(sim_read(m, BOOT_ID), "01234567-89ab-4def-8123-456789abcdef");
	assert_non_null(strstr(sim_read(m, "proc/stat"), "btime "));
	assert_int_equal(sim_control(m, "reboot"), 0);
	assert_string_not_equal(sim_read(m, BOOT_ID), "01234567-89ab-4def-8123-456789abcdef");
	model_free(m);
}

static void a_reboot_loses_what_was_bound(void **state)
{
	struct model *m = *state;
	char id[64];

	snprintf(id, sizeof(id), "%s", sim_read(m, BOOT_ID));
	assert_int_equal(sim_bind_vfio(m, NIC), 0);
	assert_int_equal(sim_bind_vfio(m, GPU), 0);
	assert_int_equal(sim_control(m, "hold " GPU " device 42 qemu"), 0);
	assert_int_equal(sim_control(m, "load idle"), 0);
	assert_int_equal(sim_control(m, "umount /"), 0);
	assert_int_equal(sim_control(m, "fail unbind 1 EIO"), 0);
	assert_int_equal(sim_control(m, "reboot"), 0);
	assert_string_not_equal(id, sim_read(m, BOOT_ID));
	assert_string_equal(sim_link(m, DEVICE NIC "/driver"), "e1000e");
	assert_string_equal(sim_link(m, DEVICE NIC2 "/driver"), "");
	assert_string_equal(sim_link(m, DEVICE GPU "/driver"), "nvidia");
	assert_string_equal(sim_read(m, DEVICE NIC "/driver_override"), "(null)");
	assert_string_equal(sim_list(m, DEVICE NIC "/net"), "eth1");
	assert_false(sim_exists(m, "proc/42"));
	assert_true(sim_exists(m, "proc/1"));
	assert_false(sim_exists(m, DRIVER "idle"));
	assert_non_null(strstr(sim_read(m, "proc/1/mountinfo"), "/dev/sda"));
	assert_non_null(strstr(sim_read(m, "proc/net/route"), "eth1"));
	assert_int_equal(sim_write(m, DRIVER "e1000e/unbind", NIC), 0);
}

static void cards_may_swap_places_over_a_reboot(void **state)
{
	struct model *m = *state;

	assert_int_equal(sim_control(m, "reboot " NIC " " GPU), 0);
	assert_string_equal(sim_read(m, DEVICE NIC "/vendor"), "0x10de");
	assert_string_equal(sim_link(m, DEVICE NIC "/driver"), "nvidia");
	assert_string_equal(sim_link(m, DEVICE NIC "/iommu_group"), "3");
	assert_string_equal(sim_read(m, DEVICE GPU "/vendor"), "0x8086");
	assert_string_equal(sim_list(m, DEVICE GPU "/net"), "eth1");
	assert_int_equal(sim_control(m, "reboot " NIC " " PORT), EINVAL);
	assert_int_equal(sim_control(m, "reboot " NIC " " NIC), EINVAL);
	assert_int_equal(sim_control(m, "reboot " NIC " 0000:99:00.0"), ENODEV);
	assert_int_equal(sim_control(m, "reboot " NIC), EINVAL);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(each_binding_has_a_link_of_its_own),
		TEST(a_card_that_comes_back_has_a_folder_of_its_own),
		TEST(a_mount_is_a_boot_of_its_own),
		cmocka_unit_test(a_host_file_may_give_the_boot_id),
		TEST(a_reboot_loses_what_was_bound),
		TEST(cards_may_swap_places_over_a_reboot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
