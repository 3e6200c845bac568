/* SPDX-License-Identifier: MIT */
/* What the privileged helper writes, on plain files. */
#include "tests/core/helper/ground.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void each_command_writes_its_one_file(void **state)
{
	struct ground *g = *state;

	assert_int_equal(ground_call(g, HELPER_UNBIND, GPU, "nvidia"), 0);
	tree_unbind(g->tree, GPU);
	assert_int_equal(ground_call(g, HELPER_BIND, GPU, "vfio-pci"), 0);
	ground_assert_file(g, "sys/bus/pci/drivers/vfio-pci/bind", GPU);
	ground_assert_file(g, "sys/bus/pci/drivers/nvidia/unbind", GPU);
	assert_int_equal(ground_call(g, HELPER_PROBE, "10000:e1:00.0", ""), 0);
	ground_assert_file(g, "sys/bus/pci/drivers_probe", "10000:e1:00.0");
	assert_int_equal(ground_call(g, HELPER_UNBIND, "0000:08:00.0", "nvme"), 0);
}

static void the_override_is_read_set_and_cleared(void **state)
{
	struct ground *g = *state;
	char now[OVERRIDE_SIZE];

	assert_int_equal(ground_call(g, HELPER_OVERRIDE_GET, GPU, ""), 0);
	assert_string_equal(g->reply.text, "");
	assert_int_equal(ground_call(g, HELPER_OVERRIDE_SET, GPU, "vfio-pci"), 0);
	assert_int_equal(ground_call(g, HELPER_OVERRIDE_GET, GPU, ""), 0);
	assert_string_equal(g->reply.text, "vfio-pci");
	assert_int_equal(ground_call(g, HELPER_OVERRIDE_SET, GPU, ""), 0);
	tree_override(g->tree, GPU, now, sizeof(now));
	assert_string_equal(now, "");
	/* What somebody had there before us may be no driver's name. */
	tree_set_override(g->tree, GPU, " two words ");
	assert_int_equal(ground_call(g, HELPER_OVERRIDE_SET, GPU, "vfio-pci"), 0);
	assert_int_equal(ground_call(g, HELPER_OVERRIDE_SET, GPU, " two words "), 0);
	assert_int_equal(ground_call(g, HELPER_OVERRIDE_GET, GPU, ""), 0);
	assert_string_equal(g->reply.text, " two words ");
}

static void an_override_too_long_or_odd_to_be_restored_is_an_error(void **state)
{
	struct ground *g = *state;

	tree_write(g->tree, "sys/bus/pci/devices/0000:01:00.0/driver_override", "%0300d\n", 1);
	assert_int_equal(ground_call(g, HELPER_OVERRIDE_GET, GPU, ""), EFBIG);
	tree_write(g->tree, "sys/bus/pci/devices/0000:01:00.0/driver_override", "a\x01z\n");
	assert_int_equal(ground_call(g, HELPER_OVERRIDE_GET, GPU, ""), EINVAL);
}

static void names_are_checked_whatever_main_sends(void **state)
{
	static const char *const names[] = {"", ".", "..", "../../../tmp", "a/b", "vfio-pci/",
		"/etc", "vfio-pci\n", "vfio\x01", "\xc3\xa9",
		"0123456789012345678901234567890123456789012345678901234567890123"};
	struct ground *g = *state;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (ground_call(g, HELPER_BIND, GPU, names[i]) != EINVAL)
			fail_msg("bound to '%s'", names[i]);
	}
	assert_int_equal(ground_call(g, HELPER_OVERRIDE_SET, GPU, "vfio-pci\nrm"), EPERM);
	assert_int_equal(ground_call(g, HELPER_OVERRIDE_SET, GPU, "vfio\x1b"), EPERM);
	ground_assert_file(g, "sys/bus/pci/devices/0000:01:00.0/driver_override", "(null)\n");
	tree_unbind(g->tree, GPU);
	assert_int_equal(ground_call(g, HELPER_BIND, GPU, "no_such_driver"), ENOENT);
	/* As the kernel has them: the name of a driver may have blanks. */
	assert_int_equal(ground_call(g, HELPER_BIND, GPU, "No such (driver), v=2"), ENOENT);
}

static void nodes_are_given_their_owner_and_mode(void **state)
{
	struct helper_request request = {.op = HELPER_NODE_SET,
		.address = ground_address("0000:06:00.0"),
		.access = {.has_uid = true, .uid = geteuid(), .has_mode = true, .mode = 0660}};
	struct ground *g = *state;
	struct stat status;
	char path[300];

	assert_int_equal(ground_send(g, &request), 0);
	snprintf(path, sizeof(path), "%s/dev/vfio/9", tree_root(g->tree));
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0660);
	/* A device without such nodes has none that could be another's. */
	request.address = ground_address(GPU);
	assert_int_equal(ground_send(g, &request), ENOENT);
}

static void a_device_that_is_not_there_is_an_error(void **state)
{
	struct ground *g = *state;

	assert_int_equal(ground_call(g, HELPER_OVERRIDE_SET, "0000:99:00.0", "vfio-pci"), ENOENT);
	assert_int_equal(ground_call(g, HELPER_OVERRIDE_GET, "0000:99:00.0", ""), ENOENT);
}

static void modules_are_never_loaded_for_a_simulated_host(void **state)
{
	struct ground *g = *state;

	assert_int_equal(ground_call(g, HELPER_LOAD, GPU, "vfio-pci"), EPERM);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, ground_setup, ground_teardown)
	const struct CMUnitTest tests[] = {
		TEST(each_command_writes_its_one_file),
		TEST(the_override_is_read_set_and_cleared),
		TEST(an_override_too_long_or_odd_to_be_restored_is_an_error),
		TEST(names_are_checked_whatever_main_sends),
		TEST(nodes_are_given_their_owner_and_mode),
		TEST(a_device_that_is_not_there_is_an_error),
		TEST(modules_are_never_loaded_for_a_simulated_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
