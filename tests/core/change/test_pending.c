/* SPDX-License-Identifier: MIT */
/* Writes that do not return in time, and what becomes of their changes when they do. */
#include "core/base/clock.h"
#include "tests/core/change/changes.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char FOREIGN[] = "0000:06:00.0";

static void a_bind_of_one_device_is_finished(void **state)
{
	struct fixture *f = *state;

	for (unsigned write = 1; write <= 3; write++) {
		block_at(f, write, FAKE_BLOCK, fixture_bind, GPU, NULL, GPU);
		fake_helper_release(f->fake);
		ear_assert_told(GPU, STATE_VFIO, "vfio-pci");
		assert_string_equal(ear.original_driver, "nvidia");
		ear_assert_over(f, 1);
		fixture_assert_override(f, GPU, "vfio-pci");
		fixture_must_unbind(f, GPU);
		fixture_assert_driver(f, GPU, "nvidia");
		fixture_assert_override(f, GPU, "");
	}
}

/* It came to nothing in the kernel: then the rest is done all the same. */
static void a_bind_whose_write_had_no_effect_is_finished(void **state)
{
	struct fixture *f = *state;

	block_at(f, 2, FAKE_HANG, fixture_bind, GPU, NULL, GPU);
	fake_helper_release(f->fake);
	ear_assert_told(GPU, STATE_VFIO, "vfio-pci");
	ear_assert_over(f, 1);
}

static void an_unbind_of_one_device_is_finished(void **state)
{
	struct fixture *f = *state;

	tree_set_override(f->tree, GPU, "kept");
	for (unsigned write = 1; write <= 4; write++) {
		fixture_must_bind(f, GPU);
		block_at(f, write, FAKE_BLOCK, fixture_unbind, GPU, NULL, GPU);
		fake_helper_release(f->fake);
		ear_assert_told(GPU, STATE_HOST, "nvidia");
		assert_string_equal(ear.original_driver, "");
		ear_assert_over(f, 1);
		fixture_assert_override(f, GPU, "kept");
		CLEANUP(device_cleanup) struct device *d = fixture_device(f, GPU);
		struct device_origin origin;
		assert_false(host_origin(f->host, d, &origin));
	}
}

static void an_unbind_of_what_another_tool_bound_is_finished(void **state)
{
	struct fixture *f = *state;

	for (unsigned write = 1; write <= 3; write++) {
		block_at(f, write, FAKE_BLOCK, fixture_unbind, FOREIGN, NULL, FOREIGN);
		fake_helper_release(f->fake);
		ear_assert_told(FOREIGN, STATE_HOST, "nvme");
		ear_assert_over(f, 1);
		fixture_assert_override(f, FOREIGN, "");
		tree_unbind(f->tree, FOREIGN);
		tree_set_override(f->tree, FOREIGN, "vfio-pci");
		tree_bind(f->tree, FOREIGN, "vfio-pci");
	}
}

static void what_is_to_be_left_without_a_driver_is(void **state)
{
	const struct change_request options = {.leave_driverless = true};
	const char *const devices[] = {GPU, FOREIGN};
	struct fixture *f = *state;

	for (unsigned i = 0; i < 4; i++) {
		const char *address = devices[i / 2];

		fixture_must_bind(f, address);
		block_at(f, i % 2 + 1, FAKE_BLOCK, fixture_unbind, address, &options, address);
		fake_helper_release(f->fake);
		ear_assert_told(address, STATE_DRIVERLESS, "");
		ear_assert_over(f, 1);
		fixture_assert_driver(f, address, "");
		fixture_assert_override(f, address, "");
		tree_bind(f->tree, address, i / 2 ? "vfio-pci" : "nvidia");
	}
}

static void one_of_a_batch_is_brought_back_as_the_others_were(void **state)
{
	struct fixture *f = *state;
	CLEANUP(free_cleanup) char *before = tree_snapshot(f->tree);

	for (unsigned write = 1; write <= 6; write++) {
		const char *blocked = write <= 3 ? GPU : NIC;

		block_at(f, write, FAKE_BLOCK, fixture_bind, "0000:01:00.0 0000:02:00.0", NULL,
			blocked);
		fixture_assert_driver(f, write <= 3 ? NIC : GPU, write <= 3 ? "e1000e" : "nvidia");
		fixture_assert_override(f, write <= 3 ? NIC : GPU, "");
		fake_helper_release(f->fake);
		ear_assert_told(blocked, STATE_HOST, write <= 3 ? "nvidia" : "e1000e");
		ear_assert_over(f, 1);
		CLEANUP(free_cleanup) char *after = tree_snapshot(f->tree);
		assert_string_equal(before, after);
	}
}

static void one_of_an_unbound_batch_is_ours_again(void **state)
{
	struct fixture *f = *state;

	fixture_must_bind(f, "0000:01:00.0 0000:02:00.0");
	CLEANUP(free_cleanup) char *before = tree_snapshot(f->tree);
	for (unsigned write = 1; write <= 6; write++) {
		block_at(f, write, FAKE_BLOCK, fixture_unbind, "0000:01:00.0 0000:02:00.0", NULL,
			write <= 3 ? GPU : NIC);
		fake_helper_release(f->fake);
		ear_assert_told(write <= 3 ? GPU : NIC, STATE_VFIO, "vfio-pci");
		ear_assert_over(f, 1);
		CLEANUP(free_cleanup) char *after = tree_snapshot(f->tree);
		assert_string_equal(before, after);
	}
	fixture_must_unbind(f, "0000:01:00.0 0000:02:00.0");
	fixture_assert_driver(f, NIC, "e1000e");
}

static void who_is_in_the_way_is_named(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct change_request soon = {
		.deadline = now_ns() + 400000000, .force = 1u << REASON_VFIO_IN_USE};
	struct holder qemu = {.pid = 4242, .id = 1, .hold = HOLD_GROUP, .command = "qemu"};
	struct change_result result;
	struct fixture *f = *state;

	fixture_must_bind(f, GPU);
	fake_helper_clear(f->fake);
	fake_helper_set_holders(f->fake, &qemu, 1, 0);
	fake_helper_fail(f->fake, &(struct fake_fault){.at = 2, .kind = FAKE_BLOCK});
	assert_int_equal(fixture_unbind(f, GPU, &soon, &result, &err), -1);
	assert_int_equal(err.code, CORE_DEADLINE);
	assert_non_null(strstr(err.message, "qemu (pid 4242)"));
	assert_int_equal(err.problems.items[0].n_holders, 1);
	assert_int_equal(err.problems.items[0].holders[0].pid, 4242);
	fake_helper_set_holders(f->fake, NULL, 0, 0);
	fake_helper_release(f->fake);
	ear_assert_told(GPU, STATE_HOST, "nvidia");
}

static void a_pending_device_is_refused_and_others_are_not(void **state)
{
	struct fixture *f = *state;

	block_at(f, 2, FAKE_BLOCK, fixture_bind, GPU, NULL, GPU);
	fake_helper_clear(f->fake);
	static const uint32_t forces[] = {0, UINT32_MAX};
	for (size_t i = 0; i < 4; i++) {
		CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
		const struct change_request options = {.force = forces[i / 2]};
		struct change_result result;

		assert_int_equal(
			(i % 2 ? fixture_bind : fixture_unbind)(f, GPU, &options, &result, &err),
			-1);
		assert_int_equal(err.code, CORE_PRECONDITION);
		assert_int_equal(err.problems.items[0].reason, REASON_UNBIND_PENDING);
	}
	/* Not even of the same group. */
	fixture_must_bind(f, NIC);
	fixture_must_bind(f, AUDIO);
	fixture_must_unbind(f, AUDIO);
	fixture_must_unbind(f, NIC);
	fake_helper_release(f->fake);
	ear_assert_told(GPU, STATE_VFIO, "vfio-pci");
}

static void a_device_that_left_meanwhile_took_its_change_along(void **state)
{
	static const struct tree_device nic = {.address = "0000:02:00.0",
		.vendor = 0x8086,
		.device = 0x10d3,
		.group = 2,
		.driver = "e1000e"};
	struct fixture *f = *state;

	for (int i = 0; i < 4; i++) {
		bool unbind = i % 2, replaced = i / 2;
		struct device_origin origin;

		if (unbind)
			fixture_must_bind(f, NIC);
		block_at(f, 2, FAKE_HANG, unbind ? fixture_unbind : fixture_bind, NIC, NULL, NIC);
		tree_remove_device(f->tree, NIC);
		if (replaced) {
			struct tree_device other = nic;
			other.vendor = 0x15b3;
			tree_add_device(f->tree, &other);
		}
		fake_helper_release(f->fake);
		ear_assert_told(NIC, STATE_GONE, "");
		ear_assert_over(f, 1);
		if (replaced)
			tree_remove_device(f->tree, NIC);
		/* The same card again is a new one. */
		tree_add_device(f->tree, &nic);
		CLEANUP(device_cleanup) struct device *d = fixture_device(f, NIC);
		assert_false(host_origin(f->host, d, &origin));
	}
}

static void a_guard_that_came_meanwhile_rolls_it_back(void **state)
{
	struct fixture *f = *state;
	CLEANUP(free_cleanup) char *before = tree_snapshot(f->tree);

	block_at(f, 1, FAKE_BLOCK, fixture_bind, NIC, NULL, NIC);
	tree_add_net(f->tree,
		&(struct tree_net){
			.name = "eth7", .address = NIC, .up = true, .default_route = true});
	fake_helper_release(f->fake);
	ear_assert_told(NIC, STATE_HOST, "e1000e");
	ear_assert_over(f, 1);
	CLEANUP(free_cleanup) char *after = tree_snapshot(f->tree);
	assert_string_equal(before, after);
}

static void the_wish_for_its_nodes_comes_true_when_it_is_finished(void **state)
{
	const struct change_request wish = {.access = {.has_mode = true, .mode = 0660}};
	struct fixture *f = *state;
	char path[300];

	block_at(f, 3, FAKE_BLOCK, fixture_bind, GPU, &wish, GPU);
	fake_helper_release(f->fake);
	ear_assert_told(GPU, STATE_VFIO, "vfio-pci");
	snprintf(path, sizeof(path), "%s/dev/vfio/1", tree_root(f->tree));
	/* The keeper tells nobody: looked at until it is so. */
	for (int64_t until = fixture_deadline();;) {
		struct stat status;

		assert_int_equal(stat(path, &status), 0);
		if ((status.st_mode & 0777) == 0660)
			break;
		assert_true(now_ns() < until);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, ear_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_bind_of_one_device_is_finished),
		TEST(a_bind_whose_write_had_no_effect_is_finished),
		TEST(an_unbind_of_one_device_is_finished),
		TEST(an_unbind_of_what_another_tool_bound_is_finished),
		TEST(what_is_to_be_left_without_a_driver_is),
		TEST(one_of_a_batch_is_brought_back_as_the_others_were),
		TEST(one_of_an_unbound_batch_is_ours_again),
		TEST(who_is_in_the_way_is_named),
		TEST(a_pending_device_is_refused_and_others_are_not),
		TEST(a_device_that_left_meanwhile_took_its_change_along),
		TEST(a_guard_that_came_meanwhile_rolls_it_back),
		TEST(the_wish_for_its_nodes_comes_true_when_it_is_finished),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
