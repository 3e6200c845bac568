/* SPDX-License-Identifier: MIT */
/* Text that came from outside. */
#include "core/base/text.h"

#include <stdint.h>
#include <string.h>

size_t text_char(const void *bytes, size_t len)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *s = bytes;
	size_t n = s[0] < 0x80		   ? 1
		   : (s[0] & 0xe0) == 0xc0 ? 2
		   : (s[0] & 0xf0) == 0xe0 ? 3
		   : (s[0] & 0xf8) == 0xf0 ? 4
					   : 0;
	if (n > len)
		return 0;
	if (n <= 1)
		return n;
	uint32_t code = s[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3fu);
	}
	if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return n;
}

bool text_valid(const void *bytes, size_t len)
{
	const char *p = bytes;

	while (len > 0) {
		size_t n = *p ? text_char(p, len) : 0;

		if (n == 0)
			return false;
		p += n;
		len -= n;
	}
	return true;
}

void text_clean(char *text)
{
	unsigned char *s = (unsigned char *)text;
	unsigned char *end = s + strlen(text);

	while (s < end) {
		size_t n = *s < 0x20 || *s == 0x7f ? 0 : text_char(s, (size_t)(end - s));
		if (n == 0)
			*s = '?';
		s += n ? n : 1;
	}
}
