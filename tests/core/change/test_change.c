/* SPDX-License-Identifier: MIT */
/* Bind and unbind when the kernel does as it is told. */
#include "core/base/util.h"
#include "tests/core/fixture.h"

#include <errno.h>
#include <string.h>

static void bind_writes_override_unbind_bind_in_that_order(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(change_result_clear) struct change_result result = {0};
	struct fixture *f = *state;

	assert_int_equal(fixture_bind(f, "0000:01:00.0", NULL, &result, &err), 0);
	fixture_assert_log(f, "override 0000:01:00.0 vfio-pci\n"
			      "unbind 0000:01:00.0\n"
			      "bind 0000:01:00.0 vfio-pci\n");
	fixture_assert_driver(f, "0000:01:00.0", "vfio-pci");
	fixture_assert_driver(f, "0000:01:00.1", "snd_hda_intel");
	assert_int_equal(result.n_devices, 1);
	assert_string_equal(result.devices[0].device->text, "0000:01:00.0");
	assert_string_equal(result.devices[0].driver, "vfio-pci");
	assert_string_equal(result.devices[0].original_driver, "nvidia");
	assert_true(result.devices[0].requested);
	assert_int_equal(result.plan.count, 3);
	/* Its audio function still keeps the group from being used. */
	assert_int_equal(result.n_groups, 1);
	assert_int_equal(result.groups[0]->id, 1);
	assert_false(result.groups[0]->viable);
	fixture_stop(f);
	assert_int_equal(fixture_count_intents(f), 0);
	fixture_start(f);
}

static void unbind_brings_the_original_driver_and_override_back(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(change_result_clear) struct change_result result = {0};
	struct fixture *f = *state;
	CLEANUP(free_cleanup) char *before = NULL;

	tree_set_override(f->tree, "0000:01:00.1", "snd_hda_intel");
	before = tree_snapshot(f->tree);
	fixture_must_bind(f, "0000:01:00.0 0000:01:00.1");
	assert_int_equal(fixture_unbind(f, "0000:01:00.0 0000:01:00.1", NULL, &result, &err), 0);
	CLEANUP(free_cleanup) char *after = tree_snapshot(f->tree);
	assert_string_equal(before, after);
	assert_string_equal(result.devices[0].driver, "nvidia");
	assert_string_equal(result.devices[0].original_driver, "nvidia");
	assert_string_equal(result.devices[1].driver, "snd_hda_intel");
	/* The record is gone. */
	CLEANUP(device_cleanup) struct device *d = fixture_device(f, "0000:01:00.0");
	struct device_origin origin;
	assert_false(host_origin(f->host, d, &origin));
}

static void the_record_survives_a_restart(void **state)
{
	struct fixture *f = *state;
	CLEANUP(free_cleanup) char *before = tree_snapshot(f->tree);

	fixture_must_bind(f, "0000:01:00.0 0000:08:00.0 0000:02:00.0");
	fixture_stop(f);
	fixture_start(f);
	fixture_must_unbind(f, "0000:08:00.0 0000:01:00.0 0000:02:00.0");
	CLEANUP(free_cleanup) char *after = tree_snapshot(f->tree);
	assert_string_equal(before, after);
}

/* Some drivers never disable what they enabled: a count that nobody's use can explain. */
static void a_use_count_that_the_native_driver_left_is_nobodys(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct fixture *f = *state;
	struct change_result result;

	tree_leave_enabled(f->tree, "0000:02:00.0");
	fixture_must_bind(f, "0000:02:00.0");
	fixture_stop(f);
	fixture_start(f);
	tree_write(f->tree, "sys/bus/pci/devices/0000:02:00.0/enable", "2\n");
	assert_int_equal(fixture_unbind(f, "0000:02:00.0", NULL, &result, &err), -1);
	assert_int_equal(err.problems.items[0].reason, REASON_VFIO_IN_USE);
	tree_write(f->tree, "sys/bus/pci/devices/0000:02:00.0/enable", "1\n");
	fixture_must_unbind(f, "0000:02:00.0");
	fixture_assert_driver(f, "0000:02:00.0", "e1000e");
}

/* Nor does undoing take it for one. */
static void a_use_count_that_was_left_does_not_keep_a_bind_from_being_undone(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct fixture *f = *state;
	struct change_result result;

	tree_leave_enabled(f->tree, "0000:02:00.0");
	fake_helper_fail(f->fake, &(struct fake_fault){.at = 6, .kind = FAKE_ERRNO, .error = EIO});
	assert_int_equal(fixture_bind(f, "0000:02:00.0 0000:01:00.0", NULL, &result, &err), -1);
	assert_int_equal(err.problems.count, 1);
	fixture_assert_driver(f, "0000:02:00.0", "e1000e");
	fixture_assert_driver(f, "0000:01:00.0", "nvidia");
}

static void give_to_uio(void *arg)
{
	struct fixture *f = arg;

	tree_unbind(f->tree, "0000:02:00.0");
	tree_bind(f->tree, "0000:02:00.0", "igb_uio");
}

/* Between the plan and its step: it is not taken from whoever has it now, nor when undoing. */
static void what_another_tool_moves_meanwhile_stays_where_that_put_it(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct fixture *f = *state;
	struct change_result result;

	fake_helper_after(f->fake, 1, give_to_uio, f);
	assert_int_equal(fixture_bind(f, "0000:02:00.0", NULL, &result, &err), -1);
	assert_int_equal(err.problems.items[0].reason, REASON_KERNEL_REFUSED);
	assert_non_null(strstr(err.message, "another tool has given it to igb_uio"));
	fixture_assert_driver(f, "0000:02:00.0", "igb_uio");
	fixture_assert_override(f, "0000:02:00.0", "");
}

static void repeating_a_request_writes_nothing_and_answers_the_same(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct fixture *f = *state;
	struct change_result result;

	fixture_must_bind(f, "0000:01:00.0");
	fake_helper_clear(f->fake);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(fixture_bind(f, "0000:01:00.0", NULL, &result, &err), 0);
		assert_string_equal(result.devices[0].driver, "vfio-pci");
		assert_string_equal(result.devices[0].original_driver, "nvidia");
		assert_int_equal(result.n_groups, 1);
		assert_int_equal(result.plan.count, 0);
		change_result_clear(&result);
	}
	fixture_assert_log(f, "");
	fixture_must_unbind(f, "0000:01:00.0");
	fake_helper_clear(f->fake);
	assert_int_equal(fixture_unbind(f, "0000:01:00.0", NULL, &result, &err), 0);
	assert_int_equal(result.n_devices, 1);
	assert_string_equal(result.devices[0].driver, "nvidia");
	assert_string_equal(result.devices[0].original_driver, "nvidia");
	change_result_clear(&result);
	fixture_assert_log(f, "");
}

static void devices_come_back_in_the_order_of_the_request(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(change_result_clear) struct change_result result = {0};
	struct fixture *f = *state;

	assert_int_equal(
		fixture_bind(f, "0000:06:00.0 0000:02:00.0 0000:01:00.1 02:00.0 0000:01:00.0", NULL,
			&result, &err),
		0);
	static const char *const expected[] = {
		"0000:06:00.0", "0000:02:00.0", "0000:01:00.1", "0000:01:00.0"};
	assert_int_equal(result.n_devices, 4);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(result.devices[i].device->text, expected[i]);
	/* The one that another tool bound has no original driver that is known. */
	assert_string_equal(result.devices[0].original_driver, "");
	assert_int_equal(result.n_groups, 3);
	assert_int_equal(result.groups[0]->id, 1);
	assert_true(result.groups[0]->viable);
}

static void the_whole_group_comes_along_without_its_bridges(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(change_result_clear) struct change_result result = {0};
	struct fixture *f = *state;

	tree_add_device(f->tree, &(struct tree_device){.address = "0000:00:06.0",
					 .vendor = 0x8086,
					 .class = 0x060400,
					 .group = 1,
					 .driver = "pcieport"});
	assert_int_equal(fixture_bind(f, "0000:01:00.1",
				 &(struct change_request){.whole_group = true}, &result, &err),
		0);
	assert_int_equal(result.n_devices, 2);
	assert_string_equal(result.devices[0].device->text, "0000:01:00.1");
	assert_true(result.devices[0].requested);
	assert_string_equal(result.devices[1].device->text, "0000:01:00.0");
	assert_false(result.devices[1].requested);
	assert_true(result.groups[0]->viable);
	fixture_assert_driver(f, "0000:00:06.0", "pcieport");
}

static void all_functions_of_the_card_come_along(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(change_result_clear) struct change_result result = {0};
	struct fixture *f = *state;

	/* In a group of its own, as on a server with ACS. */
	tree_add_device(f->tree, &(struct tree_device){.address = "0000:02:00.3",
					 .vendor = 0x8086,
					 .group = 22,
					 .driver = "e1000e"});
	assert_int_equal(fixture_bind(f, "0000:02:00.0",
				 &(struct change_request){.all_functions = true}, &result, &err),
		0);
	assert_int_equal(result.n_devices, 2);
	assert_int_equal(result.n_groups, 2);
	fixture_assert_driver(f, "0000:02:00.3", "vfio-pci");
}

/* The siblings of a virtual function have addresses like the functions of its card. */
static void functions_of_a_card_are_not_virtual(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct change_request all = {.all_functions = true, .dry_run = true};
	struct fixture *f = *state;
	struct change_result result;

	tree_add_device(f->tree, &(struct tree_device){.address = "0000:60:00.0",
					 .vendor = 0x8086,
					 .group = 80,
					 .total_vfs = 4,
					 .driver = "ixgbe"});
	for (unsigned i = 1; i < 4; i++) {
		char address[PCI_ADDRESS_SIZE];

		pci_address_format((struct pci_address){0, 0x60, 0, (uint8_t)i}, address);
		tree_add_device(f->tree, &(struct tree_device){.address = address,
						 .vendor = 0x8086,
						 .group = (int)(80 + i),
						 .physfn = "0000:60:00.0",
						 .driver = "ixgbevf"});
	}
	assert_int_equal(fixture_bind(f, "0000:60:00.2", &all, &result, &err), 0);
	assert_int_equal(result.n_devices, 1);
	change_result_clear(&result);
	all.force = 1u << REASON_PF_HAS_VFS;
	assert_int_equal(fixture_bind(f, "0000:60:00.0", &all, &result, &err), 0);
	assert_int_equal(result.n_devices, 1);
	change_result_clear(&result);
}

/* What nobody can bind keeps the group from its user: whoever asks for all of it is told. */
static void a_whole_group_with_a_member_that_nobody_can_bind_is_refused(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct change_request whole = {.whole_group = true};
	struct fixture *f = *state;
	struct change_result result;

	tree_add_device(f->tree, &(struct tree_device){.address = "0000:00:1f.0",
					 .vendor = 0x8086,
					 .class = 0x060100,
					 .group = 1,
					 .driver = "lpc_ich"});
	tree_link(f->tree, "sys/devices/platform/INTC1084:00/driver",
		"sys/bus/platform/drivers/intel-ish");
	tree_link(f->tree, "sys/kernel/iommu_groups/1/devices/INTC1084:00",
		"sys/devices/platform/INTC1084:00");
	assert_int_equal(fixture_bind(f, "0000:01:00.0", &whole, &result, &err), -1);
	assert_int_equal(err.code, CORE_PRECONDITION);
	assert_int_equal(err.problems.count, 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(err.problems.items[i].reason, REASON_GROUP_BLOCKED);
	assert_string_equal(err.problems.items[0].subject, "0000:00:1f.0");
	assert_string_equal(err.problems.items[1].subject, "INTC1084:00");
	assert_non_null(strstr(err.problems.items[1].action,
		"write INTC1084:00 to /sys/kernel/iommu_groups/1/devices/INTC1084:00/driver/unbind"));
	fixture_assert_log(f, "");
	/* One member may still be bound alone; its answer tells of the rest. */
	assert_int_equal(fixture_bind(f, "0000:01:00.0", NULL, &result, &err), 0);
	assert_false(result.groups[0]->viable);
	change_result_clear(&result);
}

static void an_added_device_that_is_in_use_stops_the_change(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct change_result result;
	struct fixture *f = *state;

	tree_add_net(f->tree, &(struct tree_net){.name = "usb0",
				      .address = "0000:01:00.1",
				      .up = true,
				      .default_route = true});
	assert_int_equal(fixture_bind(f, "0000:01:00.0",
				 &(struct change_request){.whole_group = true}, &result, &err),
		-1);
	assert_int_equal(err.problems.items[0].reason, REASON_NIC_IN_USE);
	assert_string_equal(err.problems.items[0].subject, "0000:01:00.1");
	fixture_assert_log(f, "");
}

static void a_dry_run_answers_the_plan_and_writes_nothing(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct change_request dry = {.dry_run = true, .whole_group = true};
	struct fixture *f = *state;
	struct change_result result;

	assert_int_equal(fixture_bind(f, "0000:01:00.0", &dry, &result, &err), 0);
	assert_int_equal(result.plan.count, 6);
	assert_string_equal(plan_step_name(&result.plan.steps[1]), "unbind");
	assert_string_equal(result.plan.steps[1].name, "nvidia");
	assert_string_equal(result.devices[0].driver, "vfio-pci");
	assert_string_equal(result.devices[0].original_driver, "nvidia");
	assert_true(result.groups[0]->viable);
	change_result_clear(&result);
	fixture_assert_log(f, "");
	fixture_assert_driver(f, "0000:01:00.0", "nvidia");
	fixture_must_bind(f, "0000:01:00.0");
	fake_helper_clear(f->fake);
	dry.whole_group = false;
	assert_int_equal(fixture_unbind(f, "0000:01:00.0", &dry, &result, &err), 0);
	assert_int_equal(result.plan.count, 3);
	assert_string_equal(result.devices[0].driver, "nvidia");
	change_result_clear(&result);
	fixture_assert_log(f, "");
	fixture_assert_driver(f, "0000:01:00.0", "vfio-pci");
	fixture_stop(f);
	assert_int_equal(fixture_count_intents(f), 0);
	fixture_start(f);
}

static void a_dry_run_does_what_the_change_would(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(change_result_clear) struct change_result planned = {0}, made = {0};
	struct fixture *f = *state;

	assert_int_equal(fixture_bind(f, "0000:02:00.0 0000:08:00.0",
				 &(struct change_request){.dry_run = true}, &planned, &err),
		0);
	assert_int_equal(fixture_bind(f, "0000:02:00.0 0000:08:00.0", NULL, &made, &err), 0);
	assert_int_equal(planned.plan.count, made.plan.count);
	for (size_t i = 0; i < made.plan.count; i++) {
		assert_int_equal(planned.plan.steps[i].action, made.plan.steps[i].action);
		assert_string_equal(planned.plan.steps[i].name, made.plan.steps[i].name);
	}
	assert_int_equal(fake_helper_writes(f->fake), made.plan.count);
}

static void force_passes_the_named_guard_and_no_other(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct change_request nic = {.force = 1u << REASON_NIC_IN_USE};
	struct change_request all = {.force = UINT32_MAX};
	struct fixture *f = *state;
	struct change_result result;

	assert_int_equal(fixture_bind(f, "0000:04:00.0", &nic, &result, &err), -1);
	assert_int_equal(err.problems.items[0].reason, REASON_DISK_IN_USE);
	core_error_clear(&err);
	assert_int_equal(fixture_bind(f, "0000:03:00.0", &nic, &result, &err), 0);
	change_result_clear(&result);
	fixture_assert_driver(f, "0000:03:00.0", "vfio-pci");
	/* What the device is, no force changes. */
	static const char *const never[] = {"0000:00:01.0", "0000:07:00.0"};
	for (size_t i = 0; i < ARRAY_SIZE(never); i++) {
		assert_int_equal(fixture_bind(f, never[i], &all, &result, &err), -1);
		core_error_clear(&err);
	}
	struct holder holder = {.pid = 1, .id = 9, .hold = HOLD_GROUP};
	fake_helper_set_holders(f->fake, &holder, 1, 0);
	assert_int_equal(fixture_unbind(f, "0000:06:00.0", &nic, &result, &err), -1);
	assert_int_equal(err.problems.items[0].reason, REASON_VFIO_IN_USE);
	core_error_clear(&err);
	const struct change_request user = {.force = 1u << REASON_VFIO_IN_USE};
	assert_int_equal(fixture_unbind(f, "0000:06:00.0", &user, &result, &err), 0);
	change_result_clear(&result);
	fixture_assert_driver(f, "0000:06:00.0", "nvme");
}

static void a_device_that_another_tool_bound_goes_to_its_native_driver(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(change_result_clear) struct change_result result = {0};
	struct fixture *f = *state;

	assert_int_equal(fixture_unbind(f, "0000:06:00.0", NULL, &result, &err), 0);
	fixture_assert_log(f, "override 0000:06:00.0\n"
			      "unbind 0000:06:00.0\n"
			      "probe 0000:06:00.0\n");
	fixture_assert_driver(f, "0000:06:00.0", "nvme");
	fixture_assert_override(f, "0000:06:00.0", "");
	assert_string_equal(result.devices[0].driver, "nvme");
}

/* As vfio-pci does whose module was given the id: a probe that gives the device to nobody else. */
static void a_device_that_vfio_takes_by_its_id_is_not_given_back_in_words_alone(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	const struct change_request driverless = {.leave_driverless = true};
	struct change_result result;
	struct fixture *f = *state;

	tree_add_device(f->tree, &(struct tree_device){.address = "0000:0a:00.0",
					 .vendor = 0x1e49,
					 .device = 0x71,
					 .group = 20,
					 .driver = "vfio-pci",
					 .native = "vfio-pci"});
	assert_int_equal(fixture_unbind(f, "0000:0a:00.0", NULL, &result, &err), -1);
	assert_int_equal(err.code, CORE_ABORTED);
	assert_int_equal(err.problems.items[0].reason, REASON_KERNEL_REFUSED);
	assert_non_null(strstr(err.message, "takes the device by its id"));
	fixture_assert_driver(f, "0000:0a:00.0", "vfio-pci");
	core_error_clear(&err);
	assert_int_equal(fixture_unbind(f, "0000:0a:00.0", &driverless, &result, &err), 0);
	fixture_assert_driver(f, "0000:0a:00.0", "");
	change_result_clear(&result);
}

static void binding_a_foreign_vfio_device_leaves_it_foreign(void **state)
{
	struct fixture *f = *state;
	struct device_origin origin;

	fixture_must_bind(f, "0000:06:00.0");
	fixture_assert_log(f, "");
	CLEANUP(device_cleanup) struct device *d = fixture_device(f, "0000:06:00.0");
	assert_false(host_origin(f->host, d, &origin));
}

static void a_driverless_device_goes_back_to_no_driver(void **state)
{
	struct fixture *f = *state;

	fixture_must_bind(f, "0000:08:00.0");
	fixture_assert_log(f, "override 0000:08:00.0 vfio-pci\nbind 0000:08:00.0 vfio-pci\n");
	fake_helper_clear(f->fake);
	fixture_must_unbind(f, "0000:08:00.0");
	fixture_assert_log(f, "unbind 0000:08:00.0\noverride 0000:08:00.0\n");
	fixture_assert_driver(f, "0000:08:00.0", "");
	fixture_assert_override(f, "0000:08:00.0", "");
}

static void a_variant_driver_counts_as_bound(void **state)
{
	struct fixture *f = *state;

	tree_unbind(f->tree, "0000:02:00.0");
	tree_bind(f->tree, "0000:02:00.0", "mlx5_vfio_pci");
	fixture_must_bind(f, "0000:02:00.0");
	fixture_assert_log(f, "");
	fixture_assert_driver(f, "0000:02:00.0", "mlx5_vfio_pci");
}

static void a_device_in_use_is_refused_at_once_and_named(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct holder holder = {.pid = 4242, .id = 1, .hold = HOLD_GROUP, .command = "qemu"};
	struct change_result result;
	struct fixture *f = *state;

	fixture_must_bind(f, "0000:01:00.0 0000:02:00.0");
	fake_helper_clear(f->fake);
	fake_helper_set_holders(f->fake, &holder, 1, 0);
	assert_int_equal(fixture_unbind(f, "0000:02:00.0 0000:01:00.0", NULL, &result, &err), -1);
	assert_int_equal(err.code, CORE_PRECONDITION);
	assert_string_equal(err.message, "device 0000:01:00.0 is in use by qemu (pid 4242)");
	assert_int_equal(err.problems.items[0].holders[0].pid, 4242);
	fixture_assert_log(f, "");
	/* Binding what is bound already disturbs nobody. */
	fixture_must_bind(f, "0000:01:00.0");
}

static void another_card_at_the_address_does_not_get_the_old_ones_driver(void **state)
{
	struct fixture *f = *state;

	fixture_must_bind(f, "0000:02:00.0");
	tree_remove_device(f->tree, "0000:02:00.0");
	tree_add_device(f->tree, &(struct tree_device){.address = "0000:02:00.0",
					 .vendor = 0x15b3,
					 .group = 2,
					 .driver = "vfio-pci",
					 .native = "mlx5_core",
					 .override = "vfio-pci"});
	fixture_must_unbind(f, "0000:02:00.0");
	fixture_assert_driver(f, "0000:02:00.0", "mlx5_core");
}

static void a_missing_vfio_driver_is_said_before_anything_is_written(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct change_result result;
	struct fixture *f = *state;

	tree_unbind(f->tree, "0000:06:00.0");
	tree_remove(f->tree, "sys/bus/pci/drivers/vfio-pci");
	assert_int_equal(fixture_bind(f, "0000:01:00.0", NULL, &result, &err), -1);
	assert_int_equal(err.code, CORE_PRECONDITION);
	assert_non_null(strstr(err.message, "modprobe vfio-pci"));
	fixture_assert_log(f, "load vfio-pci\n");
	fixture_assert_driver(f, "0000:01:00.0", "nvidia");
}

static void a_second_daemon_on_the_state_folder_is_refused(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct fixture *f = *state;
	struct host *second = NULL;
	struct host_config config = {.root = tree_root(f->tree),
		.state = tree_state(f->tree),
		.lock_fd = tree_open_locks(f->tree),
		.helper = f->helper};

	assert_int_equal(host_open(&config, &second, &err), -1);
	assert_null(second);
	assert_non_null(strstr(err.message, "another vfiod"));
}

static void hosts_that_cannot_be_opened_say_why(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct fixture *f = *state;
	struct host *host = NULL;
	struct host_config config = {.root = "/nonexistent",
		.state = tree_state(f->tree),
		.lock_fd = tree_open_locks(f->tree),
		.helper = f->helper};

	assert_int_equal(host_open(&config, &host, &err), -1);
	assert_non_null(strstr(err.message, "/nonexistent"));
	config.root = tree_root(f->tree);
	config.state = "/nonexistent";
	config.lock_fd = tree_open_locks(f->tree);
	assert_int_equal(host_open(&config, &host, &err), -1);
	assert_non_null(strstr(err.message, "/nonexistent"));
	assert_null(host);
	host_close(NULL);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(bind_writes_override_unbind_bind_in_that_order),
		TEST(unbind_brings_the_original_driver_and_override_back),
		TEST(the_record_survives_a_restart),
		TEST(a_use_count_that_the_native_driver_left_is_nobodys),
		TEST(a_use_count_that_was_left_does_not_keep_a_bind_from_being_undone),
		TEST(what_another_tool_moves_meanwhile_stays_where_that_put_it),
		TEST(repeating_a_request_writes_nothing_and_answers_the_same),
		TEST(devices_come_back_in_the_order_of_the_request),
		TEST(the_whole_group_comes_along_without_its_bridges),
		TEST(all_functions_of_the_card_come_along),
		TEST(functions_of_a_card_are_not_virtual),
		TEST(a_whole_group_with_a_member_that_nobody_can_bind_is_refused),
		TEST(an_added_device_that_is_in_use_stops_the_change),
		TEST(a_dry_run_answers_the_plan_and_writes_nothing),
		TEST(a_dry_run_does_what_the_change_would),
		TEST(force_passes_the_named_guard_and_no_other),
		TEST(a_device_that_another_tool_bound_goes_to_its_native_driver),
		TEST(a_device_that_vfio_takes_by_its_id_is_not_given_back_in_words_alone),
		TEST(binding_a_foreign_vfio_device_leaves_it_foreign),
		TEST(a_driverless_device_goes_back_to_no_driver),
		TEST(a_variant_driver_counts_as_bound),
		TEST(a_device_in_use_is_refused_at_once_and_named),
		TEST(another_card_at_the_address_does_not_get_the_old_ones_driver),
		TEST(a_missing_vfio_driver_is_said_before_anything_is_written),
		TEST(a_second_daemon_on_the_state_folder_is_refused),
		TEST(hosts_that_cannot_be_opened_say_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
