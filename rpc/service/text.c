/* SPDX-License-Identifier: MIT */
/* Text that protobuf strings may hold, and secrets compared. */
#include "rpc/service/text.h"

#include "core/base/text.h"

#include <string.h>

size_t rpc_text_char(const void *bytes, size_t len)
{
	return text_char(bytes, len);
}

bool rpc_text_valid(const void *bytes, size_t len)
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

void rpc_text_repair(char *text)
{
	text_clean(text);
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
