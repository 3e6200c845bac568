/* SPDX-License-Identifier: MIT */
/* Names from pci.ids, which is read once. */
#include "core/pci/names.h"
#include "tests/core/test.h"

#include "core/base/util.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static bool has_ids(void)
{
	return access("/usr/share/misc/pci.ids", R_OK) == 0;
}

/* From here on no file can be opened. */
static struct rlimit forbid_files(void)
{
	struct rlimit before, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	return before;
}

static void no_look_up_opens_a_file(void **state)
{
	char vendor[256], device[256], subsystem[256], class[256];
	struct names *names = names_open();

	(void)state;
	if (!has_ids()) {
		names_close(names);
		skip();
	}
	const struct rlimit before = forbid_files();
	names_vendor(names, 0x8086, vendor, sizeof(vendor));
	names_device(names, 0x8086, 0x10d3, device, sizeof(device));
	names_subsystem(names, 0x8086, 0x10d3, 0x103c, 0x1785, subsystem, sizeof(subsystem));
	names_class(names, 0x020000, class, sizeof(class));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	names_close(names);
	assert_string_equal(vendor, "Intel Corporation");
	assert_non_null(strstr(device, "82574L"));
	assert_non_null(strstr(subsystem, "NC112i"));
	assert_string_equal(class, "Ethernet controller");
}

static void what_is_unknown_has_no_name(void **state)
{
	struct names *names = names_open();
	char text[64] = "x", cut[6] = "x";

	(void)state;
	names_vendor(names, 0xfff0, text, sizeof(text));
	assert_string_equal(text, "");
	names_device(names, 0x8086, 0xfffe, text, sizeof(text));
	assert_string_equal(text, "");
	names_vendor(names, 0x8086, cut, sizeof(cut));
	if (has_ids())
		assert_string_equal(cut, "Intel");
	names_close(names);
	names_close(NULL);
}

/* A host without pci.ids: as one where no file can be opened. */
static void without_the_file_nothing_has_a_name(void **state)
{
	const struct rlimit before = forbid_files();
	struct names *names = names_open();
	char text[64] = "x";

	(void)state;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_non_null(names);
	names_vendor(names, 0x8086, text, sizeof(text));
	names_close(names);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_look_up_opens_a_file),
		cmocka_unit_test(what_is_unknown_has_no_name),
		cmocka_unit_test(without_the_file_nothing_has_a_name),
	};

	return cmocka_run_group_tests_name("core/names", tests, NULL, NULL);
}
