/* SPDX-License-Identifier: MIT */
/* Colour, where somebody is looking. */
#include "tools/vfioctl/print/paint.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const paint_codes[] = {
	[PAINT_NONE] = NULL,
	[PAINT_HEAD] = "\033[1m",
	[PAINT_GOOD] = "\033[32m",
	[PAINT_WARN] = "\033[33m",
	[PAINT_BAD] = "\033[31m",
};

bool paint_wanted(enum paint_when when, FILE *file)
{
	const char *term = getenv("TERM");
	const char *no_color = getenv("NO_COLOR");

	if (when != PAINT_AUTO)
		return when == PAINT_ALWAYS;
	if (no_color && no_color[0] != '\0')
		return false;
	return isatty(fileno(file)) && term && strcmp(term, "dumb") != 0;
}

void paint_put(FILE *out, bool on, enum paint paint, const char *text)
{
	if (on && paint_codes[paint])
		fprintf(out, "%s%s\033[0m", paint_codes[paint], text);
	else
		fputs(text, out);
}
