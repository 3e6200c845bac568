/* SPDX-License-Identifier: MIT */
/* Tables: alignment, colour, and what may not break them. */
#include "tools/vfioctl/print/table.h"
#include "tools/vfioctl/print/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *const heads[] = {"ONE", "TWO", "THREE", NULL};

/* The table as text, which the caller frees. */
static char *print(const struct table *table, bool colour, bool with_heads)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(table_print(table, out, colour, with_heads), 0);
	fclose(out);
	return text;
}

static void assert_printed(
	const struct table *table, bool colour, bool with_heads, const char *expected)
{
	char *text = print(table, colour, with_heads);

	assert_string_equal(text, expected);
	free(text);
}

static void test_alignment(void **state)
{
	AUTO_TABLE table;

	(void)state;
	table_init(&table, heads);
	table_row(&table, (const char *[]){"a", "longer", "x y"});
	table_row(&table, (const char *[]){"\xe4\xb8\xad\xe6\x96\x87", "", NULL});
	assert_printed(&table, false, true,
		"ONE   TWO     THREE\n"
		"a     longer  x y\n"
		"\xe4\xb8\xad\xe6\x96\x87  -       -\n");
	assert_printed(&table, false, false,
		"a     longer  x y\n"
		"\xe4\xb8\xad\xe6\x96\x87  -       -\n");
}

static void test_colour_takes_no_room(void **state)
{
	AUTO_TABLE table;

	(void)state;
	table_init(&table, heads);
	table_row(&table, (const char *[]){"a", "bad", "c"});
	table_paint(&table, 1, PAINT_BAD);
	assert_printed(&table, true, true,
		"\033[1mONE\033[0m  \033[1mTWO\033[0m  \033[1mTHREE\033[0m\n"
		"a    \033[31mbad\033[0m  c\n");
}

static void test_notes_move_no_column(void **state)
{
	AUTO_TABLE table;

	(void)state;
	table_init(&table, heads);
	table_row(&table, (const char *[]){"a", "b", "c"});
	table_note(&table, "do %s\n", "something quite long");
	assert_printed(&table, false, true,
		"ONE  TWO  THREE\n"
		"a    b    c\n"
		"    do something quite long\\x0a\n");
}

static void test_cells_cannot_break_out(void **state)
{
	AUTO_TABLE table;

	(void)state;
	table_init(&table, heads);
	table_row(&table, (const char *[]){"a\nb", "\033[31m", "\xff"});
	assert_printed(&table, true, false, "a\\x0ab  \\x1b[31m  \\xff\n");
}

static void test_many_rows(void **state)
{
	AUTO_TABLE table;
	size_t lines = 0;
	char *text;

	(void)state;
	table_init(&table, heads);
	for (unsigned i = 0; i < 1000; i++)
		table_row(&table, (const char *[]){"a", "b", "c"});
	text = print(&table, false, false);
	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 1000);
	free(text);
}

static void test_lost_rows_are_told(void **state)
{
	AUTO_TABLE table;

	(void)state;
	table_init(&table, heads);
	table.failed = true;
	table_row(&table, (const char *[]){"a", "b", "c"});
	table_paint(&table, 0, PAINT_GOOD);
	assert_true(table_print(&table, stdout, false, true) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_colour_takes_no_room),
		cmocka_unit_test(test_notes_move_no_column),
		cmocka_unit_test(test_cells_cannot_break_out),
		cmocka_unit_test(test_many_rows),
		cmocka_unit_test(test_lost_rows_are_told),
	};

	text_init();
	return cmocka_run_group_tests_name("vfioctl/table", tests, NULL, NULL);
}
