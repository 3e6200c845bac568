/* SPDX-License-Identifier: MIT */
/* Text from outside, made fit for a terminal. */
#include "tools/vfioctl/print/text.h"

#include <locale.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

/* Most bytes that one byte of input becomes: "\xNN"; a longer escape stands for more bytes. */
enum { ESCAPE_MAX = 4 };

void text_init(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
}

/* Characters that have a width, or none, and yet change how what is around them shows: marks and
 * embeddings of direction, and the separators of lines. */
static bool is_deceptive(wchar_t c)
{
	return (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0x061c || c == 0xfeff;
}

/* Length in bytes of the character at text, at least 1; *ret is -1 where there is none. */
static size_t next_char(const char *text, size_t len, wchar_t *ret)
{
	mbstate_t state = {0};
	size_t n = mbrtowc(ret, text, len, &state);

	if (n == 0 || n > len) {
		*ret = -1;
		return 1;
	}
	return n;
}

/* Writes the n bytes of one character, or what stands for them; returns the end. */
static char *put_char(char *end, const char *text, size_t n, wchar_t c)
{
	if (c == -1 || (n == 1 && wcwidth(c) < 0))
		return end + sprintf(end, "\\x%02x", (unsigned char)*text);
	if (wcwidth(c) < 0 || is_deceptive(c))
		return end + sprintf(end, "\\u{%x}", (unsigned)c);
	return mempcpy(end, text, n);
}

char *text_printable(const char *text)
{
	size_t len = strlen(text);
	/* The longest \u{10ffff} has 10 bytes and stands for 4, \u{85} has 6 and stands for 2. */
	char *copy = calloc(len + 1, ESCAPE_MAX);
	char *end = copy;

	for (size_t at = 0, n; copy && at < len; at += n) {
		wchar_t c;

		n = next_char(text + at, len - at, &c);
		end = put_char(end, text + at, n, c);
	}
	return copy;
}

size_t text_width(const char *printable)
{
	size_t len = strlen(printable);
	size_t width = 0;

	for (size_t at = 0; at < len;) {
		wchar_t c;

		at += next_char(printable + at, len - at, &c);
		width += c == -1 || wcwidth(c) < 0 ? 1 : (size_t)wcwidth(c);
	}
	return width;
}

void text_put(FILE *out, const char *text)
{
	char *printable = text_printable(text);

	if (printable)
		fputs(printable, out);
	free(printable);
}
