/* SPDX-License-Identifier: MIT */
/* Which device is the display of the host. */
#include "core/base/util.h"
#include "core/pci/display.h"
#include "tests/core/fixture.h"

#include <stdio.h>
#include <string.h>

#define CARD "0000:00:05.0"
#define FOLDER "sys/bus/pci/devices/" CARD "/"

static enum display look(struct fixture *f)
{
	CLEANUP(device_cleanup) struct device *d = fixture_device(f, CARD);

	return display_of(host_devices(f->host), d);
}

static void add_card(struct fixture *f, unsigned class, const char *driver)
{
	tree_add_device(f->tree, &(struct tree_device){.address = CARD,
					 .vendor = 0x1002,
					 .device = 0x1506,
					 .class = class,
					 .group = 70,
					 .driver = driver});
}

static void a_line_counts_within_the_devices_region_alone(void **state)
{
	static const struct {
		const char *text;
		bool expected;
	} rows[] = {
		{"", false},
		{"e0000000-efffffff : 0000:00:05.0\n  e0000000-e02fffff : BOOTFB\n", true},
		/* Who has no rights reads zeros. */
		{"00000000-00000000 : PCI Bus 0000:00\n  00000000-00000000 : 0000:00:05.0\n"
		 "    00000000-00000000 : BOOTFB\n",
			true},
		{"00000000-00000000 : 0000:00:05.0\n  00000000-00000000 : amdgpu\n"
		 "    00000000-00000000 : efifb\n",
			true},
		{"e0000000-efffffff : 0000:00:06.0\n  e0000000-e02fffff : BOOTFB\n", false},
		{"e0000000-efffffff : 0000:00:05.0\ne0000000-e02fffff : BOOTFB\n", false},
		{"e0000000-efffffff : 0000:00:05.0\n  e0000000-efffffff : amdgpu\n", false},
		{"e0000000-efffffff : 0000:00:05.0\nf0000000-ffffffff : 0000:00:06.0\n"
		 "  f0000000-f02fffff : BOOTFB\n",
			false},
		{"e0000000-efffffff : 0000:00:05.0\n  e0000000-e02fffff : BOOTFBX\n", false},
		{"no line : BOOTFB\n\n : \n  -\n", false},
		{"                                                                                e-f : BOOTFB\n",
			false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (display_in_iomem(rows[i].text, (struct pci_address){0, 0, 5, 0}) !=
			rows[i].expected)
			fail_msg("%s", rows[i].text);
	}
}

static void an_attribute_names_the_display(void **state)
{
	struct fixture *f = *state;

	add_card(f, 0x038000, "amdgpu");
	assert_int_equal(look(f), DISPLAY_NONE);
	tree_write(f->tree, FOLDER "drm/card0/boot_display", "1\n");
	assert_int_equal(look(f), DISPLAY_BOOT);
	tree_write(f->tree, FOLDER "drm/card0/boot_display", "0\n");
	assert_int_equal(look(f), DISPLAY_NONE);
	tree_write(f->tree, FOLDER "boot_display", "1\n");
	assert_int_equal(look(f), DISPLAY_BOOT);
}

static void the_firmwares_frame_buffer_is_found(void **state)
{
	struct fixture *f = *state;

	add_card(f, 0x038000, NULL);
	tree_write(f->tree, "proc/iomem",
		"e0000000-efffffff : " CARD "\n  e0000000-e02fffff : BOOTFB\n");
	assert_int_equal(look(f), DISPLAY_FRAME_BUFFER);
	tree_write(f->tree, "proc/iomem", "e0000000-efffffff : " CARD "\n");
	assert_int_equal(look(f), DISPLAY_NONE);
	tree_write(f->tree, FOLDER "simple-framebuffer.0/x", "%s", "");
	assert_int_equal(look(f), DISPLAY_FRAME_BUFFER);
}

/* What cannot be read may tell of one; of a device that shows nothing, it is not asked. */
static void a_blind_look_is_not_no_display(void **state)
{
	struct fixture *f = *state;

	add_card(f, 0x030000, NULL);
	tree_write(f->tree, "proc/iomem/x", "%s", "");
	assert_int_equal(look(f), DISPLAY_UNKNOWN);
	tree_remove_device(f->tree, CARD);
	add_card(f, 0x020000, NULL);
	assert_int_equal(look(f), DISPLAY_NONE);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_counts_within_the_devices_region_alone),
		TEST(an_attribute_names_the_display),
		TEST(the_firmwares_frame_buffer_is_found),
		TEST(a_blind_look_is_not_no_display),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
