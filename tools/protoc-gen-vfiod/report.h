/* SPDX-License-Identifier: MIT */
/* What the plugin refuses, collected so that all of it is told at once. */
#pragma once

#include "tools/protoc-gen-vfiod/source.h"

#include <stdbool.h>
#include <stdio.h>

struct report {
	FILE *stream;
	char *text; /* a line for each refusal; valid after report_refused */
	size_t size;
};

void report_init(struct report *report);
void report_free(struct report *report);

/* Refuses what is at place: "file.proto:LINE: sentence". */
void report_at(struct report *report, const struct source *place, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Refuses something that is in no file. */
void report_add(struct report *report, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Whether anything was refused so far. */
bool report_refused(struct report *report);
