/* SPDX-License-Identifier: MIT */
/*
 * Request heads, and the access rules that read their values. A head that passes must not depend
 * on what follows it, and no shorter part of it may pass.
 */
#include "rest/access.h"
#include "rest/head.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_head(const char *text, size_t size)
{
	const char *why;
	size_t len = 0, again = 0;

	if (rest_head_check(text, size, &len, &why) != REST_HEAD_GOOD)
		return;
	if (len > size || rest_head_check(text, len, &again, &why) != REST_HEAD_GOOD ||
		again != len)
		abort();
	if (rest_head_check(text, len - 1, &again, &why) == REST_HEAD_GOOD)
		abort();
}

static void check_access(const char *text, size_t size)
{
	struct rest_access access = {0};
	struct rest_address address;
	struct rest_fault fault;
	char *copy = strndup(text, size);

	if (rest_cidrs_parse(copy, &access.proxies, &fault) == 0 && access.proxies.count > 0) {
		address = access.proxies.entries[0].address;
		if (!rest_cidrs_match(&access.proxies, &address))
			abort();
		rest_access_client(&access, &address, text, size, &address);
	}
	rest_access_set_origins(&access, copy, &fault);
	rest_access_set_key(&access, copy, &fault);
	rest_access_host_is_loopback(text, size);
	rest_address_parse(text, size, &address);
	rest_access_clear(&access);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Exactly as much memory as there is input, so that a read beyond it is seen. */
	char *text = malloc(size + !size);

	if (size > 0)
		memcpy(text, data, size);
	check_head(text, size);
	check_access(text, size);
	free(text);
	return 0;
}
