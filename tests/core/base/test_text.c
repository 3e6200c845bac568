/* SPDX-License-Identifier: MIT */
/* Text that came from outside. */
#include "core/base/text.h"

#include "core/base/util.h"
#include "tests/core/test.h"

#include <string.h>

static void test_clean(void **state)
{
	static const char *const pairs[][2] = {
		{"plain", "plain"},
		{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
		{"a\x01\x1b[31m\x7f", "a??[31m?"},
		{"\x80\xbf\xff\xfe", "????"},
		{"\xc0\xaf", "??"},			  /* overlong */
		{"\xe0\x80\xaf", "???"},		  /* overlong */
		{"\xf0\x80\x80\xaf", "????"},		  /* overlong */
		{"\xed\xa0\x80", "???"},		  /* surrogate */
		{"\xf4\x90\x80\x80", "????"},		  /* past the end */
		{"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"}, /* the last one */
		{"ab\xe2\x82", "ab??"},			  /* cut off */
		{"\xe2"
		 "a",
			"?a"},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		CLEANUP(free_cleanup) char *text = strdup(pairs[i][0]);

		text_clean(text);
		assert_string_equal(text, pairs[i][1]);
	}
}

static void test_valid(void **state)
{
	(void)state;
	assert_true(text_valid("", 0));
	assert_true(text_valid("a\xc3\xa9\x01", 4));
	assert_false(text_valid("a\0b", 3));
	assert_false(text_valid("\xc3", 1));
	assert_false(text_valid("\xc3\xa9", 1));
	assert_false(text_valid("ab\xed\xa0\x80", 5));
}

static void test_char(void **state)
{
	(void)state;
	assert_int_equal(text_char("", 1), 1);
	assert_int_equal(text_char("\xf0\x9f\x98\x80", 4), 4);
	assert_int_equal(text_char("\xf0\x9f\x98\x80", 3), 0);
	assert_int_equal(text_char("\x80", 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_char),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
