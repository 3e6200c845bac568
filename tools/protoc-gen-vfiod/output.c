/* SPDX-License-Identifier: MIT */
/* Text in memory, and text as C. */
#include "tools/protoc-gen-vfiod/output.h"

#include <err.h>
#include <stdlib.h>

FILE *output_open(char **text, size_t *size)
{
	FILE *stream = open_memstream(text, size);

	if (!stream)
		err(EXIT_FAILURE, "open_memstream");
	return stream;
}

static void literal_char(FILE *stream, unsigned char c)
{
	/* "?" is escaped against trigraphs; three octal digits cannot swallow the next one. */
	if (c == '"' || c == '\\' || c == '?')
		fprintf(stream, "\\%c", c);
	else if (c < 0x20 || c >= 0x7f)
		fprintf(stream, "\\%03o", c);
	else
		fputc(c, stream);
}

void output_literal(FILE *stream, const char *text, size_t size)
{
	const size_t width = 80;

	for (size_t i = 0; i < size; i++) {
		if (i % width == 0)
			fputs(i ? "\"\n\t\"" : "\t\"", stream);
		literal_char(stream, text[i]);
	}
	fputs(size ? "\"" : "\t\"\"", stream);
}

void output_bytes(FILE *stream, const uint8_t *bytes, size_t size)
{
	const size_t width = 16;

	for (size_t i = 0; i < size; i++)
		fprintf(stream, "%s0x%02x,", i % width == 0 ? (i ? "\n\t" : "\t") : " ", bytes[i]);
}
