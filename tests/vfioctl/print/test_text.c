/* SPDX-License-Identifier: MIT */
/* What a terminal is spared, and how wide the rest is. */
#include "tools/vfioctl/print/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *text;
	const char *printable;
	size_t width;
} cases[] = {
	{"", "", 0}, {"GA102 [GeForce RTX 3090]", "GA102 [GeForce RTX 3090]", 24},
	{"caf\xc3\xa9", "caf\xc3\xa9", 4},
	{"\xe4\xb8\xad\xe6\x96\x87", "\xe4\xb8\xad\xe6\x96\x87", 4}, /* two wide characters */
	{"e\xcc\x81", "e\xcc\x81", 1},				     /* a combining accent */
	{"\033[2Jgone", "\\x1b[2Jgone", 11}, {"a\nb\tc\rd", "a\\x0ab\\x09c\\x0dd", 16},
	{"\x7f", "\\x7f", 4},
	{"\xc2\x9b"
	 "31m",
		"\\u{9b}31m", 9}, /* CSI as one C1 character */
	{"\xe2\x80\xae"
	 "exe",
		"\\u{202e}exe", 11},		 /* right-to-left override */
	{"\xe2\x80\x8b", "\\u{200b}", 8},	 /* zero-width space */
	{"\xff\xfe", "\\xff\\xfe", 8},		 /* no UTF-8 */
	{"\xc0\xaf", "\\xc0\\xaf", 8},		 /* overlong */
	{"\xed\xa0\x80", "\\xed\\xa0\\x80", 12}, /* a surrogate */
	{"\xe4\xb8", "\\xe4\\xb8", 8},		 /* cut short */
	{"\xf4\x8f\xbf\xbf", "\\u{10ffff}", 10}, /* the longest escape */
};

static void test_printable(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *printable = text_printable(cases[i].text);

		assert_string_equal(printable, cases[i].printable);
		assert_int_equal(text_width(printable), cases[i].width);
		free(printable);
	}
}

static void test_nothing_passes(void **state)
{
	(void)state;
	for (unsigned high = 0; high < 256; high++) {
		for (unsigned low = 1; low < 256; low++) {
			const char text[] = {(char)(high ? high : low), (char)low, '\0'};
			char *printable = text_printable(text);

			for (const char *p = printable; *p; p++)
				assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
			assert_true(strlen(printable) <= 4 * strlen(text));
			free(printable);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_printable),
		cmocka_unit_test(test_nothing_passes),
	};

	text_init();
	return cmocka_run_group_tests_name("vfioctl/text", tests, NULL, NULL);
}
