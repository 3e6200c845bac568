/* SPDX-License-Identifier: MIT */
/* Text: what a protobuf string may hold, and errors as a sentence. */
#include "rpc/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static bool in_range(uint8_t byte, uint8_t low, uint8_t high)
{
	return byte >= low && byte <= high;
}

/* Bytes in the sequence that starts with this byte, and the bounds of the second one, which is
 * where overlong forms, surrogates and code points above U+10FFFF show; 0: none starts so. */
static size_t sequence_shape(uint8_t lead, uint8_t *ret_low, uint8_t *ret_high)
{
	*ret_low = 0x80;
	*ret_high = 0xbf;
	if (in_range(lead, 0x01, 0x7f))
		return 1;
	if (in_range(lead, 0xc2, 0xdf))
		return 2;
	if (in_range(lead, 0xe0, 0xef)) {
		if (lead == 0xe0)
			*ret_low = 0xa0;
		if (lead == 0xed)
			*ret_high = 0x9f;
		return 3;
	}
	if (in_range(lead, 0xf0, 0xf4)) {
		if (lead == 0xf0)
			*ret_low = 0x90;
		if (lead == 0xf4)
			*ret_high = 0x8f;
		return 4;
	}
	return 0;
}

/* Length of the well-formed sequence at the start of bytes; 0: there is none. */
static size_t sequence_length(const uint8_t *bytes, size_t len)
{
	uint8_t low, high;
	size_t n = sequence_shape(bytes[0], &low, &high);

	if (n == 0 || n > len)
		return 0;
	if (n > 1 && !in_range(bytes[1], low, high))
		return 0;
	for (size_t i = 2; i < n; i++) {
		if (!in_range(bytes[i], 0x80, 0xbf))
			return 0;
	}
	return n;
}

bool rpc_text_valid(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	while (len > 0) {
		size_t n = sequence_length(p, len);

		if (n == 0)
			return false;
		p += n;
		len -= n;
	}
	return true;
}

void rpc_text_repair(char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len;) {
		size_t n = sequence_length((const uint8_t *)text + i, len - i);

		if (n == 0) {
			text[i] = '?';
			n = 1;
		}
		i += n;
	}
}

bool rpc_text_equal_secret(const char *given, const char *secret)
{
	size_t given_len = strlen(given), secret_len = strlen(secret);
	unsigned difference = given_len != secret_len;

	/* The index stays within secret and its NUL, whatever was given. */
	for (size_t i = 0; i < given_len; i++)
		difference |= (unsigned char)given[i] ^ (unsigned char)secret[i % (secret_len + 1)];
	return difference == 0;
}

int rpc_text_refuse(char error[RPC_TEXT_ERROR], int result, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(error, RPC_TEXT_ERROR, fmt, args);
	va_end(args);
	return result;
}
