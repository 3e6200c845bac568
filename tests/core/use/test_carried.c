/* SPDX-License-Identifier: MIT */
/* What VFIO users have of a device that is itself on a native driver. */
#include "core/base/util.h"
#include "core/pci/real.h"
#include "core/use/carried.h"
#include "tests/core/test.h"
#include "tests/support/tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define UUID "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define GPU "0000:01:00.0"
#define VMD "0000:00:0e.0"
#define BEHIND "sys/devices/pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0/10000:e1:00.0"

struct ground {
	struct tree *tree;
	struct sysfs sysfs;
	struct carried carried;
	struct core_problems problems;
};

static int setup(void **state)
{
	struct ground *g = calloc(1, sizeof(*g));

	g->tree = tree_new();
	tree_add_device(g->tree, &(struct tree_device){.address = GPU, .driver = "nvidia"});
	tree_add_device(g->tree, &(struct tree_device){.address = VMD, .driver = "vmd"});
	assert_int_equal(sysfs_open(&g->sysfs, tree_root(g->tree)), 0);
	*state = g;
	return 0;
}

static int teardown(void **state)
{
	struct ground *g = *state;

	carried_clear(&g->carried);
	core_problems_clear(&g->problems);
	sysfs_close(&g->sysfs);
	tree_free(g->tree);
	free(g);
	return 0;
}

/* Looks at the device afresh. Returns how much it carries. */
static size_t look(struct ground *g, const char *text, const struct holder *holders, size_t n)
{
	const struct holders files = {.items = (struct holder *)holders, .count = n};
	struct pci_address address;

	carried_clear(&g->carried);
	core_problems_clear(&g->problems);
	assert_true(pci_address_parse(text, &address));
	assert_int_equal(carried_read(&g->sysfs, address, &g->carried), 0);
	carried_check(&g->carried, &files, address, &g->problems);
	assert_int_equal(g->problems.count, g->carried.count);
	return g->carried.count;
}

static void add_mediated(struct ground *g, const char *group)
{
	char path[128];

	snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%s", group);
	tree_mkdir(g->tree, path);
	tree_mkdir(g->tree, "sys/bus/pci/devices/" GPU "/" UUID);
	tree_link(g->tree, "sys/bus/pci/devices/" GPU "/" UUID "/iommu_group", path);
	tree_link(g->tree, "sys/bus/mdev/devices/" UUID, "sys/bus/pci/devices/" GPU "/" UUID);
}

static void a_plain_device_carries_nothing(void **state)
{
	struct ground *g = *state;

	assert_int_equal(look(g, GPU, NULL, 0), 0);
	assert_int_equal(look(g, "0000:99:00.0", NULL, 0), 0);
}

static void a_mediated_device_is_its_parents(void **state)
{
	const struct holder qemu[] = {
		{.pid = 9, .command = "other", .hold = HOLD_GROUP, .id = 8, .has_address = false},
		{.pid = 42, .command = "qemu", .hold = HOLD_GROUP, .id = 90}};
	struct ground *g = *state;

	add_mediated(g, "90");
	assert_int_equal(look(g, VMD, NULL, 0), 0);
	assert_int_equal(look(g, GPU, NULL, 0), 1);
	assert_int_equal(g->problems.items[0].reason, REASON_VFIO_IN_USE);
	assert_string_equal(g->problems.items[0].message,
		"device " GPU " carries mediated device " UUID ", which would end with it");
	assert_int_equal(g->problems.items[0].n_holders, 0);
	assert_int_equal(look(g, GPU, qemu, 2), 1);
	assert_string_equal(g->problems.items[0].message,
		"device " GPU " carries mediated device " UUID
		", which is in use by qemu (pid 42)");
	assert_int_equal(g->problems.items[0].n_holders, 1);
	assert_string_equal(g->problems.items[0].holders[0].what, "/dev/vfio/90");
	assert_non_null(strstr(g->problems.items[0].action, "remove"));
}

static void make_behind(struct ground *g, const char *driver)
{
	char path[64];

	tree_mkdir(g->tree, BEHIND);
	snprintf(path, sizeof(path), "sys/bus/pci/drivers/%s", driver);
	tree_mkdir(g->tree, path);
	tree_link(g->tree, BEHIND "/driver", path);
	tree_mkdir(g->tree, "sys/kernel/iommu_groups/33");
	tree_link(g->tree, BEHIND "/iommu_group", "sys/kernel/iommu_groups/33");
}

static void what_is_behind_a_bridge_of_a_domain_below_counts(void **state)
{
	const struct holder qemu[] = {{.pid = 42,
		.command = "qemu",
		.hold = HOLD_FILE,
		.has_address = true,
		.address = {0x10000, 0xe1, 0, 0}}};
	struct ground *g = *state;

	make_behind(g, "vfio-pci");
	assert_int_equal(look(g, GPU, NULL, 0), 0);
	assert_int_equal(look(g, VMD, NULL, 0), 1);
	assert_int_equal(g->carried.items[0].group, 33);
	assert_int_equal(g->problems.items[0].reason, REASON_VFIO_IN_USE);
	assert_string_equal(g->problems.items[0].message,
		"device " VMD " carries PCI device 10000:e1:00.0, which is bound to vfio-pci");
	assert_int_equal(look(g, VMD, qemu, 1), 1);
	assert_string_equal(g->problems.items[0].message,
		"device " VMD
		" carries PCI device 10000:e1:00.0, which is in use by qemu (pid 42)");
}

/* Its disks and nodes tell whether such a one is in use. */
static void one_on_a_native_driver_does_not_count(void **state)
{
	struct ground *g = *state;

	make_behind(g, "nvme");
	assert_int_equal(look(g, VMD, NULL, 0), 0);
	tree_mkdir(g->tree, BEHIND "/vfio-dev/vfio7");
	assert_int_equal(look(g, VMD, NULL, 0), 1);
	assert_int_equal(g->carried.items[0].vfio_id, 7);
}

/* What cannot be looked at is not unused. */
static void a_folder_that_cannot_be_read_is_an_error(void **state)
{
	const struct pci_address gpu = {0, 1, 0, 0};
	struct ground *g = *state;

	tree_write(g->tree, "sys/bus/mdev/devices", "%s", "");
	assert_int_equal(carried_read(&g->sysfs, gpu, &g->carried), ENOTDIR);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_plain_device_carries_nothing),
		TEST(a_mediated_device_is_its_parents),
		TEST(what_is_behind_a_bridge_of_a_domain_below_counts),
		TEST(one_on_a_native_driver_does_not_count),
		TEST(a_folder_that_cannot_be_read_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
