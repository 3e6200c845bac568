/* SPDX-License-Identifier: MIT */
/* Overrides of the host's own: kept before they are written over, and given back. */
#include "tests/core/helper/ground.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Overrides a device by hand, as driverctl does, and has the privileged helper write over it. */
static void override_and_bind(struct ground *g, const char *device, const char *text)
{
	tree_set_override(g->tree, device, text);
	assert_int_equal(ground_call(g, HELPER_OVERRIDE_SET, device, "vfio-pci"), 0);
}

static void an_override_of_the_hosts_own_is_given_back(void **state)
{
	static const char *const texts[] = {"igb_uio", " any text ", "none"};
	struct ground *g = *state;
	char now[OVERRIDE_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		override_and_bind(g, GPU, texts[i]);
		assert_int_equal(ground_call(g, HELPER_OVERRIDE_SET, GPU, ""), 0);
		ground_restart(g);
		/* Of that device, and no other. */
		ground_call(g, HELPER_OVERRIDE_SET, SPARE, texts[i]);
		ground_assert_refused(g, REASON_PERMISSION);
		assert_int_equal(ground_call(g, HELPER_OVERRIDE_SET, GPU, texts[i]), 0);
		tree_override(g->tree, GPU, now, sizeof(now));
		assert_string_equal(now, texts[i]);
		/* Then it is where it belongs. */
		assert_int_equal(
			faccessat(g->config.lock_fd, "0000:01:00.0.override", F_OK, 0), -1);
		tree_set_override(g->tree, GPU, "");
		ground_call(g, HELPER_OVERRIDE_SET, GPU, texts[i]);
		ground_assert_refused(g, REASON_PERMISSION);
	}
}

/* As repair does of a device that the change had not come to. */
static void one_that_is_there_still_may_be_set_again(void **state)
{
	struct ground *g = *state;

	tree_set_override(g->tree, GPU, "igb_uio");
	assert_int_equal(ground_call(g, HELPER_OVERRIDE_SET, GPU, "igb_uio"), 0);
	ground_call(g, HELPER_OVERRIDE_SET, GPU, "nvme");
	ground_assert_refused(g, REASON_PERMISSION);
}

static void what_another_tool_writes_meanwhile_is_kept_too(void **state)
{
	struct ground *g = *state;

	override_and_bind(g, GPU, "first");
	override_and_bind(g, GPU, "second");
	assert_int_equal(ground_call(g, HELPER_OVERRIDE_SET, GPU, "first"), 0);
	assert_int_equal(ground_call(g, HELPER_OVERRIDE_SET, GPU, "second"), 0);
	/* By the hundred, it does not grow. */
	for (int i = 0; i < 100; i++) {
		char text[16];
		snprintf(text, sizeof(text), "tool%d", i);
		override_and_bind(g, GPU, text);
	}
	assert_int_equal(ground_call(g, HELPER_OVERRIDE_SET, GPU, "tool99"), 0);
	ground_call(g, HELPER_OVERRIDE_SET, GPU, "tool1");
	ground_assert_refused(g, REASON_PERMISSION);
}

static void a_record_is_of_this_boot_and_this_device(void **state)
{
	static const char BOOT[] = "proc/sys/kernel/random/boot_id";
	struct ground *g = *state;

	tree_write(g->tree, BOOT, "11111111-1111-1111-1111-111111111111\n");
	override_and_bind(g, GPU, "igb_uio");
	tree_write(g->tree, "sys/bus/pci/devices/0000:01:00.0/device", "0x1234\n");
	ground_call(g, HELPER_OVERRIDE_SET, GPU, "igb_uio");
	ground_assert_refused(g, REASON_PERMISSION);
	tree_write(g->tree, "sys/bus/pci/devices/0000:01:00.0/device", "0x2204\n");
	tree_write(g->tree, BOOT, "22222222-2222-2222-2222-222222222222\n");
	ground_call(g, HELPER_OVERRIDE_SET, GPU, "igb_uio");
	ground_assert_refused(g, REASON_PERMISSION);
	tree_write(g->tree, BOOT, "11111111-1111-1111-1111-111111111111\n");
	assert_int_equal(ground_call(g, HELPER_OVERRIDE_SET, GPU, "igb_uio"), 0);
}

/* What would be written over and could not be given back stays. */
static void an_override_that_cannot_be_kept_is_not_written_over(void **state)
{
	struct ground *g = *state;
	char now[OVERRIDE_SIZE];

	assert_int_equal(mkdirat(g->config.lock_fd, "0000:01:00.0.override", 0755), 0);
	tree_set_override(g->tree, GPU, "igb_uio");
	assert_int_equal(ground_call(g, HELPER_OVERRIDE_SET, GPU, "vfio-pci"), EISDIR);
	tree_override(g->tree, GPU, now, sizeof(now));
	assert_string_equal(now, "igb_uio");
	ground_call(g, HELPER_OVERRIDE_SET, GPU, "elsewhere");
	ground_assert_refused(g, REASON_KERNEL_REFUSED);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, ground_setup, ground_teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_override_of_the_hosts_own_is_given_back),
		TEST(one_that_is_there_still_may_be_set_again),
		TEST(what_another_tool_writes_meanwhile_is_kept_too),
		TEST(a_record_is_of_this_boot_and_this_device),
		TEST(an_override_that_cannot_be_kept_is_not_written_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
