/* SPDX-License-Identifier: MIT */
/*
 * Tables with aligned columns, the same on a terminal and in a pipe.
 *
 * This folder writes to a terminal, and includes no other.
 */
#pragma once

#include "tools/vfioctl/print/paint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 8

struct table_row {
	char *cells[TABLE_COLUMNS_MAX]; /* of a note: the first alone */
	enum paint paint[TABLE_COLUMNS_MAX];
	bool note;
};

/* A table being filled. When memory runs out `failed` is set and later rows are dropped, so that
 * one looks once, when printing. */
struct table {
	const char *const *heads; /* NULL-terminated, at most TABLE_COLUMNS_MAX; borrowed */
	size_t columns;
	struct table_row *rows;
	size_t count;
	bool failed;
};

/* Begins a table with these headings, which also tell how many columns it has. */
void table_init(struct table *table, const char *const *heads);

/* Appends a row of as many cells as there are columns. Texts are copied and may be of any origin
 * (text_printable); NULL and "" show as "-", so that every row has a word in every column. */
void table_row(struct table *table, const char *const *cells);

/* Colours a cell of the last row. */
void table_paint(struct table *table, size_t column, enum paint paint);

/* Appends a line of its own below the last row, indented. */
void table_note(struct table *table, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Writes the table, with its headings unless heads is false. 0, or -ENOMEM with nothing written:
 * a row was lost. */
int table_print(const struct table *table, FILE *out, bool colour, bool heads);

/* Frees the rows; all zero is fine. */
void table_clear(struct table *table);

#define AUTO_TABLE __attribute__((cleanup(table_clear))) struct table
