/* SPDX-License-Identifier: MIT */
/* Secrets that callers present. */
#include "core/base/secret.h"

#include <string.h>
#include <strings.h>

bool secret_equal(const char *given, size_t len, const char *secret)
{
	size_t secret_len = strlen(secret);
	volatile unsigned difference = len != secret_len; /* volatile: every byte is looked at */

	/* The index stays within secret and its NUL, whatever was given. */
	for (size_t i = 0; i < len; i++)
		difference |= (unsigned char)(given[i] ^ secret[i % (secret_len + 1)]);
	return difference == 0;
}

const char *secret_bearer(const char *value, size_t len, size_t *ret_len)
{
	static const char scheme[] = "Bearer ";
	size_t skip = sizeof(scheme) - 1;

	if (len < skip || strncasecmp(value, scheme, skip) != 0)
		return NULL;
	while (skip < len && value[skip] == ' ')
		skip++;
	*ret_len = len - skip;
	return value + skip;
}
