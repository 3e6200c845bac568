/* SPDX-License-Identifier: MIT */
/* What vfiod says of its options. */
#pragma once

#include <stdio.h>

struct option_row;

/* The answer to --help. */
void usage_print(FILE *out, const struct option_row *rows, size_t n);

/* The options for the manual page, in roff. */
void usage_print_manual(FILE *out, const struct option_row *rows, size_t n);
