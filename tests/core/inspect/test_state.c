/* SPDX-License-Identifier: MIT */
/* In which state a device is. */
#include "core/base/util.h"
#include "tests/core/fixture.h"

#include <stdio.h>
#include <string.h>

static const char GPU[] = "0000:01:00.0", AUDIO[] = "0000:01:00.1", FOREIGN[] = "0000:06:00.0";

static void assert_state(struct fixture *f, const char *address, enum device_state state)
{
	assert_string_equal(device_state_name(fixture_state(f, address)), device_state_name(state));
}

static void each_state_shows(void **state)
{
	struct fixture *f = *state;

	assert_state(f, GPU, STATE_HOST);
	assert_state(f, "0000:00:01.0", STATE_HOST);
	assert_state(f, "0000:07:00.0", STATE_HOST);
	assert_state(f, "0000:08:00.0", STATE_DRIVERLESS);
	assert_state(f, FOREIGN, STATE_VFIO_FOREIGN);
	fixture_must_bind(f, GPU);
	assert_state(f, GPU, STATE_VFIO);
	assert_state(f, AUDIO, STATE_HOST);
	fixture_must_bind(f, FOREIGN);
	assert_state(f, FOREIGN, STATE_VFIO_FOREIGN);
	fixture_must_unbind(f, GPU);
	assert_state(f, GPU, STATE_HOST);
}

static void names_are_the_enums(void **state)
{
	static const char *const names[] = {
		"HOST", "DRIVERLESS", "VFIO", "VFIO_FOREIGN", "UNBIND_PENDING", "GONE"};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		assert_string_equal(device_state_name(i), names[i]);
}

/* Another tool's unbind of a device in use: the driver's link goes at once, the group's node and
 * its folder in sysfs at the end. */
static void take_link_away(struct fixture *f, const char *address, const char *folder)
{
	char path[128];

	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/driver", address);
	tree_remove(f->tree, path);
	if (!folder)
		return;
	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/%s", address, folder);
	tree_remove(f->tree, path);
}

static void an_unbind_of_another_tool_shows_while_it_waits(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct fixture *f = *state;

	/* As on older kernels, which leave the folder till the end. */
	take_link_away(f, FOREIGN, NULL);
	assert_state(f, FOREIGN, STATE_UNBIND_PENDING);
	fixture_must_refuse_bind(f, FOREIGN, CORE_PRECONDITION, REASON_UNBIND_PENDING, &err);
	/* As on newer ones: the group's node stays, without a VFIO driver in the group. */
	take_link_away(f, FOREIGN, "vfio-dev");
	assert_state(f, FOREIGN, STATE_UNBIND_PENDING);
	tree_remove(f->tree, "dev/vfio/9");
	assert_state(f, FOREIGN, STATE_DRIVERLESS);
}

static void one_of_a_group_is_told_by_its_use_count(void **state)
{
	struct fixture *f = *state;

	fixture_must_bind(f, "0000:01:00.0 0000:01:00.1");
	take_link_away(f, GPU, "vfio-dev");
	assert_state(f, GPU, STATE_DRIVERLESS);
	tree_write(f->tree, "sys/bus/pci/devices/0000:01:00.0/enable", "1\n");
	assert_state(f, GPU, STATE_UNBIND_PENDING);
	assert_state(f, AUDIO, STATE_VFIO);
	tree_write(f->tree, "sys/bus/pci/devices/0000:01:00.0/enable", "0\n");
	assert_state(f, GPU, STATE_DRIVERLESS);
	tree_write(f->tree, "sys/bus/pci/devices/0000:01:00.0/enable", "nonsense\n");
	assert_state(f, GPU, STATE_DRIVERLESS);
}

static void left_without_a_driver_is_no_unbind_under_way(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	const struct change_request free = {.leave_driverless = true};
	struct change_result result;
	struct fixture *f = *state;

	fixture_must_bind(f, "0000:01:00.0 0000:01:00.1");
	assert_int_equal(fixture_unbind(f, GPU, &free, &result, &err), 0);
	assert_string_equal(result.devices[0].driver, "");
	change_result_clear(&result);
	assert_state(f, GPU, STATE_DRIVERLESS);
	fixture_assert_override(f, GPU, "");
	assert_int_equal(fixture_unbind(f, AUDIO, &free, &result, &err), 0);
	change_result_clear(&result);
	assert_state(f, AUDIO, STATE_DRIVERLESS);
	/* It is to stay so: a later unbind has nothing to do. */
	fake_helper_clear(f->fake);
	fixture_must_unbind(f, GPU);
	fixture_assert_log(f, "");
	fixture_must_bind(f, GPU);
	assert_state(f, GPU, STATE_VFIO);
}

/* One of ours that lost its driver half way. */
static void a_recorded_device_that_lost_its_driver_keeps_its_record(void **state)
{
	struct fixture *f = *state;

	tree_set_override(f->tree, GPU, "kept");
	fixture_must_bind(f, GPU);
	tree_unbind(f->tree, GPU);
	assert_state(f, GPU, STATE_DRIVERLESS);
	/* Bound again, it goes back to where it came from. */
	fixture_must_bind(f, GPU);
	fixture_must_unbind(f, GPU);
	assert_state(f, GPU, STATE_HOST);
	fixture_assert_driver(f, GPU, "nvidia");
	fixture_assert_override(f, GPU, "kept");
}

/* As another tool does, or rmmod vfio_pci. */
static void one_of_ours_that_has_no_driver_is_given_back(void **state)
{
	struct fixture *f = *state;
	struct device_origin origin;

	tree_set_override(f->tree, GPU, "kept");
	fixture_must_bind(f, GPU);
	tree_unbind(f->tree, GPU);
	CLEANUP(device_cleanup) struct device *d = fixture_device(f, GPU);
	assert_true(host_origin(f->host, d, &origin));
	assert_string_equal(origin.driver, "nvidia");
	fixture_must_unbind(f, GPU);
	fixture_assert_driver(f, GPU, "nvidia");
	fixture_assert_override(f, GPU, "kept");
	CLEANUP(device_cleanup) struct device *now = fixture_device(f, GPU);
	assert_false(host_origin(f->host, now, &origin));
}

/* It stays so, and is no longer ours. */
static void one_of_ours_that_has_no_driver_may_be_left_so(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	const struct change_request free = {.leave_driverless = true};
	struct fixture *f = *state;
	struct change_result result;

	fixture_must_bind(f, GPU);
	tree_unbind(f->tree, GPU);
	assert_int_equal(fixture_unbind(f, GPU, &free, &result, &err), 0);
	change_result_clear(&result);
	assert_state(f, GPU, STATE_DRIVERLESS);
	fixture_assert_override(f, GPU, "");
	fixture_must_unbind(f, GPU);
	assert_state(f, GPU, STATE_DRIVERLESS);
}

/* The last of several that are given back fails: one that had no driver has none again. */
static void one_without_a_driver_is_as_it_was_when_another_fails(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct fixture *f = *state;
	struct change_result result;
	struct device_origin origin;

	fixture_must_bind(f, "0000:01:00.0 0000:02:00.0");
	tree_unbind(f->tree, GPU);
	fake_helper_clear(f->fake);
	/* Writes 1 to 2 give the first one back: override and bind. */
	fake_helper_fail(f->fake, &(struct fake_fault){.at = 4, .kind = FAKE_ERRNO, .error = EIO});
	assert_int_equal(fixture_unbind(f, "0000:01:00.0 0000:02:00.0", NULL, &result, &err), -1);
	assert_non_null(strstr(err.message, "nothing was changed"));
	assert_state(f, GPU, STATE_DRIVERLESS);
	assert_state(f, "0000:02:00.0", STATE_VFIO);
	CLEANUP(device_cleanup) struct device *d = fixture_device(f, GPU);
	assert_true(host_origin(f->host, d, &origin));
	assert_string_equal(origin.driver, "nvidia");
}

struct glimpse {
	struct fixture *f;
	enum device_state state;
};

static void glimpse(void *arg)
{
	struct glimpse *g = arg;

	g->state = fixture_state(g->f, GPU);
}

/* Not "nothing has it", which another tool would take for an offer. */
static void a_change_under_way_shows_from_its_first_write_on(void **state)
{
	struct fixture *f = *state;

	for (unsigned write = 1; write <= 3; write++) {
		struct glimpse bind = {f, STATE_GONE}, unbind = bind;

		fake_helper_clear(f->fake);
		fake_helper_after(f->fake, write, glimpse, &bind);
		fixture_must_bind(f, GPU);
		assert_state(f, GPU, STATE_VFIO);
		fake_helper_clear(f->fake);
		fake_helper_after(f->fake, write, glimpse, &unbind);
		fixture_must_unbind(f, GPU);
		assert_state(f, GPU, STATE_HOST);
		assert_string_equal(device_state_name(bind.state), "UNBIND_PENDING");
		assert_string_equal(device_state_name(unbind.state), "UNBIND_PENDING");
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(each_state_shows),
		cmocka_unit_test(names_are_the_enums),
		TEST(an_unbind_of_another_tool_shows_while_it_waits),
		TEST(one_of_a_group_is_told_by_its_use_count),
		TEST(one_of_ours_that_has_no_driver_is_given_back),
		TEST(one_of_ours_that_has_no_driver_may_be_left_so),
		TEST(one_without_a_driver_is_as_it_was_when_another_fails),
		TEST(a_change_under_way_shows_from_its_first_write_on),
		TEST(left_without_a_driver_is_no_unbind_under_way),
		TEST(a_recorded_device_that_lost_its_driver_keeps_its_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
