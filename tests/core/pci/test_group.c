/* SPDX-License-Identifier: MIT */
/* IOMMU groups. */
#include "core/base/util.h"
#include "core/pci/group.h"
#include "tests/core/fixture.h"

#include <string.h>

static struct iommu_group *get(struct fixture *f, int32_t id)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct iommu_group *group = NULL;

	if (group_get(host_devices(f->host), host_sysfs(f->host), id, &group, &err))
		fail_msg("%s", err.message);
	return group;
}

static void members_are_sorted_and_native_drivers_block(void **state)
{
	struct fixture *f = *state;
	CLEANUP(group_cleanup) struct iommu_group *group = get(f, 1);

	assert_int_equal(group->id, 1);
	assert_string_equal(group->type, "DMA-FQ");
	assert_int_equal(group->count, 2);
	assert_string_equal(group->members[0].device->text, "0000:01:00.0");
	assert_string_equal(group->members[1].device->text, "0000:01:00.1");
	assert_false(group->viable);
	assert_true(group->members[0].blocks);
	assert_true(group->members[1].blocks);
}

static void a_group_is_viable_when_every_member_is_vfio_driverless_or_tolerated(void **state)
{
	struct fixture *f = *state;

	tree_unbind(f->tree, "0000:01:00.0");
	tree_bind(f->tree, "0000:01:00.0", "vfio-pci");
	struct iommu_group *group = get(f, 1);
	assert_false(group->viable);
	assert_true(group->members[0].is_vfio);
	assert_false(group->members[0].blocks);
	assert_true(group->members[1].blocks);
	group_free(group);
	static const char *const fine[] = {"", "pci-stub", "pcieport", "mlx5_vfio_pci"};
	for (size_t i = 0; i < ARRAY_SIZE(fine); i++) {
		tree_unbind(f->tree, "0000:01:00.1");
		if (fine[i][0])
			tree_bind(f->tree, "0000:01:00.1", fine[i]);
		group = get(f, 1);
		assert_true(group->viable);
		assert_int_equal(group->members[1].is_vfio, i == 3);
		group_free(group);
	}
	static const char *const blocking[] = {"shpchp", "xhci_hcd", "pci-stubborn", "vfio"};
	for (size_t i = 0; i < ARRAY_SIZE(blocking); i++) {
		tree_unbind(f->tree, "0000:01:00.1");
		tree_bind(f->tree, "0000:01:00.1", blocking[i]);
		group = get(f, 1);
		assert_false(group->viable);
		group_free(group);
	}
}

static void a_bridge_in_the_group_is_listed_and_does_not_block(void **state)
{
	struct fixture *f = *state;

	tree_add_device(f->tree, &(struct tree_device){.address = "0000:00:03.0",
					 .vendor = 0x8086,
					 .class = 0x060400,
					 .group = 9,
					 .driver = "pcieport"});
	CLEANUP(group_cleanup) struct iommu_group *group = get(f, 9);
	assert_int_equal(group->count, 2);
	assert_true(group->members[0].device->is_bridge);
	assert_false(group->members[0].blocks);
	assert_true(group->viable);
}

static void large_groups_and_strangers_in_them(void **state)
{
	struct fixture *f = *state;
	char address[PCI_ADDRESS_SIZE];

	for (uint8_t i = 32; i-- > 0;) {
		pci_address_format((struct pci_address){0, 0x40, i, 3}, address);
		tree_add_device(f->tree,
			&(struct tree_device){.address = address, .vendor = 1, .group = 40});
	}
	/* Platform devices are members too; and one that has just left. */
	tree_link(f->tree, "sys/kernel/iommu_groups/40/devices/30000000.gpu", "sys/devices");
	tree_link(f->tree, "sys/kernel/iommu_groups/40/devices/0000:99:00.0", "sys/devices/x");
	CLEANUP(group_cleanup) struct iommu_group *group = get(f, 40);
	assert_int_equal(group->count, 32);
	assert_true(group->viable);
	for (unsigned i = 0; i < 32; i++)
		assert_int_equal(group->members[i].device->address.slot, i);
}

static void a_stranger_blocks_unless_it_has_no_driver(void **state)
{
	static const char *const MEMBER = "sys/kernel/iommu_groups/9/devices/INTC1084:00";
	struct fixture *f = *state;

	tree_write(f->tree, "sys/devices/platform/INTC1084:00/x", "%s", "");
	tree_link(f->tree, MEMBER, "sys/devices/platform/INTC1084:00");
	struct iommu_group *group = get(f, 9);
	assert_int_equal(group->n_strangers, 1);
	assert_string_equal(group->strangers[0].name, "INTC1084:00");
	assert_string_equal(group->strangers[0].driver, "");
	assert_true(group->viable);
	group_free(group);
	tree_link(f->tree, "sys/devices/platform/INTC1084:00/driver",
		"sys/bus/platform/drivers/intel ish");
	group = get(f, 9);
	assert_string_equal(group->strangers[0].driver, "intel ish");
	assert_true(group->strangers[0].blocks);
	assert_false(group->viable);
	/* No PCI device that is bound makes up for it. */
	group_assume_vfio(group, fixture_address("0000:06:00.0"));
	assert_false(group->viable);
	group_free(group);
	/* What VFIO has is registered there, whatever its driver is called. */
	tree_write(f->tree, "sys/devices/platform/INTC1084:00/vfio-dev/vfio7/x", "%s", "");
	group = get(f, 9);
	assert_true(group->viable);
	group_free(group);
}

static void a_region_that_stays_mapped_makes_a_group_unusable(void **state)
{
	struct fixture *f = *state;

	tree_write(f->tree, "sys/kernel/iommu_groups/9/reserved_regions", "%s",
		"0xfee00000 0xfeefffff msi\n0x7d000000 0x7d7fffff direct-relaxable\n");
	struct iommu_group *group = get(f, 9);
	assert_true(group->viable);
	group_free(group);
	tree_write(f->tree, "sys/kernel/iommu_groups/9/reserved_regions", "%s",
		"0x7d000000 0x7d7fffff direct\n0xfee00000 0xfeefffff msi\n");
	group = get(f, 9);
	assert_string_equal(group->direct_region, "0x7d000000-0x7d7fffff");
	assert_false(group->viable);
	assert_false(group->members[0].blocks);
	group_free(group);
}

static void a_group_can_be_told_as_it_will_be(void **state)
{
	struct fixture *f = *state;
	CLEANUP(group_cleanup) struct iommu_group *group = get(f, 1);

	group_assume_vfio(group, fixture_address("0000:01:00.0"));
	assert_true(group->members[0].is_vfio);
	assert_false(group->viable);
	group_assume_vfio(group, fixture_address("0000:02:00.0"));
	assert_false(group->viable);
	group_assume_vfio(group, fixture_address("0000:01:00.1"));
	assert_true(group->viable);
}

static void a_missing_group_is_not_found_and_a_missing_type_is_unknown(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct fixture *f = *state;
	struct iommu_group *group = NULL;

	assert_int_equal(
		group_get(host_devices(f->host), host_sysfs(f->host), 77, &group, &err), -1);
	assert_int_equal(err.code, CORE_NOT_FOUND);
	assert_null(group);
	tree_remove(f->tree, "sys/kernel/iommu_groups/1/type");
	group = get(f, 1);
	assert_string_equal(group->type, "");
	group_free(group);
	group_free(NULL);
}

static int groups_of(struct fixture *f, const char *addresses, struct iommu_group ***ret, size_t *n,
	struct core_error *err)
{
	struct change_request request = {0};
	struct device **devices;

	fixture_request(&request, addresses);
	assert_int_equal(host_find(f->host, &request.addresses, &devices, err), 0);
	int rc = host_groups(f->host, devices, request.addresses.count, ret, n, err);
	device_list_free(devices, request.addresses.count);
	address_list_clear(&request.addresses);
	return rc;
}

static void groups_come_once_in_numeric_order(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct fixture *f = *state;
	struct iommu_group **groups;
	size_t n;

	assert_int_equal(
		groups_of(f, "0000:00:01.0 0000:02:00.0 0000:01:00.1 0000:01:00.0 0000:06:00.0",
			&groups, &n, &err),
		0);
	static const int32_t expected[] = {1, 2, 9, 10};
	assert_int_equal(n, 4);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(groups[i]->id, expected[i]);
	group_list_free(groups, n);
}

static void every_device_without_a_group_is_named(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct fixture *f = *state;
	struct iommu_group **groups;
	size_t n;

	tree_add_device(f->tree, &(struct tree_device){.address = "0000:07:00.1", .vendor = 1});
	assert_int_equal(
		groups_of(f, "0000:07:00.0 0000:01:00.0 0000:07:00.1", &groups, &n, &err), -1);
	assert_int_equal(err.code, CORE_PRECONDITION);
	assert_int_equal(err.problems.count, 2);
	assert_string_equal(
		err.message, "device 0000:07:00.0 has no IOMMU group (IOMMU may not be enabled)");
	assert_string_equal(err.problems.items[1].subject, "0000:07:00.1");
	assert_int_equal(err.problems.items[1].reason, REASON_NO_IOMMU_GROUP);
}

static void the_node_of_a_noiommu_group_has_its_own_name(void **state)
{
	struct fixture *f = *state;
	char path[64];

	host_group_path(f->host, 9, path, sizeof(path));
	assert_string_equal(path, "/dev/vfio/9");
	tree_write(f->tree, "dev/vfio/noiommu-0", "%s", "");
	host_group_path(f->host, 0, path, sizeof(path));
	assert_string_equal(path, "/dev/vfio/noiommu-0");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(members_are_sorted_and_native_drivers_block),
		TEST(a_group_is_viable_when_every_member_is_vfio_driverless_or_tolerated),
		TEST(a_bridge_in_the_group_is_listed_and_does_not_block),
		TEST(large_groups_and_strangers_in_them),
		TEST(a_stranger_blocks_unless_it_has_no_driver),
		TEST(a_region_that_stays_mapped_makes_a_group_unusable),
		TEST(a_group_can_be_told_as_it_will_be),
		TEST(a_missing_group_is_not_found_and_a_missing_type_is_unknown),
		TEST(groups_come_once_in_numeric_order),
		TEST(every_device_without_a_group_is_named),
		TEST(the_node_of_a_noiommu_group_has_its_own_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
