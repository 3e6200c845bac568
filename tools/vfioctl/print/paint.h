/* SPDX-License-Identifier: MIT */
/* Colour, where somebody is looking. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

enum paint {
	PAINT_NONE,
	PAINT_HEAD,
	PAINT_GOOD,
	PAINT_WARN,
	PAINT_BAD,
};

enum paint_when {
	PAINT_AUTO, /* on a terminal that can, unless NO_COLOR is set */
	PAINT_ALWAYS,
	PAINT_NEVER,
};

/* Whether what is written to the file is to be coloured. */
bool paint_wanted(enum paint_when when, FILE *file);

/* Writes a text that is printable, in colour if that is on. */
void paint_put(FILE *out, bool on, enum paint paint, const char *text);
