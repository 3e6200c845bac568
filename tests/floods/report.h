/* SPDX-License-Identifier: MIT */
/* What the floods did, as a table or as JSON. */
#pragma once

#include "tests/floods/flood.h"
#include "tests/floods/verdict.h"

#include <jansson.h>

/* All windows of one flood. */
struct flood_result {
	const struct flood *flood;
	unsigned clients; /* bits of those who were asked for */
	struct windows quiet[GOOD_CLIENTS], flooded[GOOD_CLIENTS];
	struct flood_done done; /* in the flooded windows */
	struct why why;		/* of the verdict; empty: good */
};

/* The table's first lines. */
void report_head(void);

/* One row: the client that came off worst. With every, one row for each. */
void report_row(const struct flood_result *result, bool every);

/* The same and more as an object. */
json_t *report_json(const struct flood_result *result);
