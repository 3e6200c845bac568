/* SPDX-License-Identifier: MIT */
/* Allowlists. */
#include "core/base/util.h"
#include "core/pci/allowlist.h"
#include "tests/core/test.h"

#include <string.h>

static void entries_parse_in_any_case_with_blanks_around(void **state)
{
	static const struct {
		const char *text;
		int32_t vendor, device;
	} rows[] = {
		{"10de:2204", 0x10de, 0x2204},
		{"10DE:22aB", 0x10de, 0x22ab},
		{"10de:*", 0x10de, -1},
		{"*:2204", -1, 0x2204},
		{"*:*", -1, -1},
		{"  8086:10d3\t", 0x8086, 0x10d3},
		{"ffff:0000", 0xffff, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct allowlist_entry entry;

		assert_true(allowlist_entry_parse(rows[i].text, &entry));
		assert_int_equal(entry.vendor, rows[i].vendor);
		assert_int_equal(entry.device, rows[i].device);
	}
}

static void typos_are_refused(void **state)
{
	static const char *const texts[] = {"", " ", "*", ":", "10de", "10de:", ":2204", "10de:220",
		"10de:22044", "1de:2204", "0x10de:0x2204", "10de:2204:1", "10de :2204",
		"10de: 2204", "10de:**", "10d*:2204", "10de:2204\n", "10dg:2204", "10de;2204",
		"-0de:2204", "10de:2204,8086:10d3", "10de:2204 8086:10d3"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct allowlist_entry entry = {1, 2};

		if (allowlist_entry_parse(texts[i], &entry))
			fail_msg("accepted '%s'", texts[i]);
		assert_int_equal(entry.vendor, 1);
		assert_int_equal(entry.device, 2);
	}
}

static void a_malformed_entry_names_itself(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	char *texts[] = {"10de:*", "8086:10d"};
	struct allowlist list = {.count = 77};

	(void)state;
	assert_int_equal(allowlist_parse(texts, 2, &list, &err), -1);
	assert_int_equal(err.code, CORE_INVALID);
	assert_non_null(strstr(err.message, "allowlist[1]"));
	assert_non_null(strstr(err.message, "8086:10d "));
	assert_int_equal(list.count, 77);
}

static void an_empty_list_allows_everything(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct allowlist list;

	(void)state;
	assert_int_equal(allowlist_parse(NULL, 0, &list, &err), 0);
	assert_true(allowlist_allows(&list, 0x1234, 0x5678));
	allowlist_clear(&list);
}

static void a_list_allows_what_one_entry_matches(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	char *texts[] = {"10de:*", "8086:10d3", "*:0071"};
	struct allowlist list;

	(void)state;
	assert_int_equal(allowlist_parse(texts, 3, &list, &err), 0);
	assert_true(allowlist_allows(&list, 0x10de, 0));
	assert_true(allowlist_allows(&list, 0x10de, 0xffff));
	assert_true(allowlist_allows(&list, 0x8086, 0x10d3));
	assert_true(allowlist_allows(&list, 0, 0x0071));
	assert_false(allowlist_allows(&list, 0x8086, 0x10d4));
	assert_false(allowlist_allows(&list, 0x10d3, 0x8086));
	allowlist_clear(&list);
	allowlist_clear(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_parse_in_any_case_with_blanks_around),
		cmocka_unit_test(typos_are_refused),
		cmocka_unit_test(a_malformed_entry_names_itself),
		cmocka_unit_test(an_empty_list_allows_everything),
		cmocka_unit_test(a_list_allows_what_one_entry_matches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
