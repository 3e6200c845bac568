/* SPDX-License-Identifier: MIT */
/* What vfiod says of its options. */
#pragma once

#include <stdio.h>

/* The answer to --help. */
void usage_print(FILE *out);

/* The options for the manual page, in roff. */
void usage_print_manual(FILE *out);
