/* SPDX-License-Identifier: MIT */
/* Tables with aligned columns, the same on a terminal and in a pipe. */
#include "tools/vfioctl/print/table.h"

#include "core/base/array.h"
#include "tools/vfioctl/print/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

enum { GAP = 2, NOTE_INDENT = 4 };

void table_init(struct table *table, const char *const *heads)
{
	*table = (struct table){.heads = heads};
	while (heads[table->columns])
		table->columns++;
}

static struct table_row *row_new(struct table *table)
{
	struct table_row *row = ARRAY_ADD(table->rows, table->count);

	if (row)
		*row = (struct table_row){0};
	else
		table->failed = true;
	return row;
}

void table_row(struct table *table, const char *const *cells)
{
	struct table_row *row = table->failed ? NULL : row_new(table);

	for (size_t i = 0; row && i < table->columns; i++) {
		row->cells[i] = text_printable(cells[i] && cells[i][0] ? cells[i] : "-");
		if (!row->cells[i])
			table->failed = true;
	}
}

void table_paint(struct table *table, size_t column, enum paint paint)
{
	if (!table->failed)
		table->rows[table->count - 1].paint[column] = paint;
}

void table_note(struct table *table, const char *fmt, ...)
{
	struct table_row *row = table->failed ? NULL : row_new(table);
	char *text = NULL;
	va_list args;
	int r;

	va_start(args, fmt);
	r = vasprintf(&text, fmt, args);
	va_end(args);
	if (r < 0) {
		table->failed = true;
		return;
	}
	if (row) {
		row->note = true;
		row->cells[0] = text_printable(text);
		table->failed = !row->cells[0];
	}
	free(text);
}

static void table_measure(const struct table *table, bool heads, size_t widths[TABLE_COLUMNS_MAX])
{
	for (size_t i = 0; i < table->columns; i++)
		widths[i] = heads ? text_width(table->heads[i]) : 0;
	for (size_t r = 0; r < table->count; r++) {
		for (size_t i = 0; i < table->columns && !table->rows[r].note; i++) {
			size_t width = text_width(table->rows[r].cells[i]);

			if (width > widths[i])
				widths[i] = width;
		}
	}
}

/* Writes one cell and what separates it from the next; no blanks end a line. */
static void put_cell(const struct table *table, FILE *out, bool colour, enum paint paint,
	const char *text, size_t column, size_t width)
{
	bool last = column + 1 == table->columns;

	paint_put(out, colour, paint, text);
	if (last)
		fputc('\n', out);
	else
		fprintf(out, "%*s", (int)(width - text_width(text) + GAP), "");
}

int table_print(const struct table *table, FILE *out, bool colour, bool heads)
{
	size_t widths[TABLE_COLUMNS_MAX];

	if (table->failed)
		return -ENOMEM;
	table_measure(table, heads, widths);
	for (size_t i = 0; heads && i < table->columns; i++)
		put_cell(table, out, colour, PAINT_HEAD, table->heads[i], i, widths[i]);
	for (size_t r = 0; r < table->count; r++) {
		const struct table_row *row = &table->rows[r];

		if (row->note) {
			fprintf(out, "%*s%s\n", NOTE_INDENT, "", row->cells[0]);
			continue;
		}
		for (size_t i = 0; i < table->columns; i++)
			put_cell(table, out, colour, row->paint[i], row->cells[i], i, widths[i]);
	}
	return 0;
}

void table_clear(struct table *table)
{
	for (size_t r = 0; r < table->count; r++)
		for (size_t i = 0; i < TABLE_COLUMNS_MAX; i++)
			free(table->rows[r].cells[i]);
	free(table->rows);
	*table = (struct table){0};
}
