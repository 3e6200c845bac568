/* SPDX-License-Identifier: MIT */
/* Well-formed UTF-8. */
#include "rest/utf8.h"

static bool utf8_is_tail(unsigned char byte)
{
	return (byte & 0xc0) == 0x80;
}

/* The second byte's range depends on the first where an overlong form, a surrogate or a character
 * above U+10FFFF would begin. */
static bool utf8_second_fits(unsigned char first, unsigned char second)
{
	switch (first) {
	case 0xe0:
		return second >= 0xa0;
	case 0xed:
		return second <= 0x9f;
	case 0xf0:
		return second >= 0x90;
	case 0xf4:
		return second <= 0x8f;
	default:
		return true;
	}
}

static size_t utf8_length(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	if (first >= 0xf0 && first <= 0xf4)
		return 4;
	return 0;
}

size_t rest_utf8_char(const char *text, size_t len)
{
	const unsigned char *bytes = (const unsigned char *)text;
	size_t want = utf8_length(bytes[0]);

	if (want == 0 || want > len)
		return 0;
	for (size_t i = 1; i < want; i++)
		if (!utf8_is_tail(bytes[i]))
			return 0;
	if (want > 1 && !utf8_second_fits(bytes[0], bytes[1]))
		return 0;
	return want;
}

bool rest_utf8_valid(const char *text, size_t len)
{
	size_t at = 0;

	while (at < len) {
		size_t n = rest_utf8_char(text + at, len - at);

		if (n == 0)
			return false;
		at += n;
	}
	return true;
}
