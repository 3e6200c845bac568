/* SPDX-License-Identifier: MIT */
/* Makes the manual page at build time: copies its text, with the table of options in its place. */
#include "tools/vfiod/usage.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char PLACE[] = "@OPTIONS@\n";

int main(int argc, char **argv)
{
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
		usage_print_manual(stdout);
		done = true;
	}
	return done && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
