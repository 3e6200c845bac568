/* SPDX-License-Identifier: MIT */
/* Makes the manual page at build time: copies its text, with the table of options in its place. */
#include "tools/vfiod/options.h"
#include "tools/vfiod/usage.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char PLACE[] = "@OPTIONS@\n";

int main(int argc, char **argv)
{
	const struct option_row *rows;
	size_t n;
	char line[1024];
	bool done = false;

	if (argc != 3 || !freopen(argv[1], "r", stdin) || !freopen(argv[2], "w", stdout)) {
		fputs("Usage: vfiod-manual TEXT PAGE\n", stderr);
		return 2;
	}
	while (fgets(line, sizeof(line), stdin)) {
		if (strcmp(line, PLACE) != 0) {
			fputs(line, stdout);
			continue;
		}
		rows = options_rows(&n);
		usage_print_manual(stdout, rows, n);
		done = true;
	}
	return done && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
