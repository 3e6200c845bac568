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

/* The verdict does not depend on the pieces a head comes in. */
static enum rest_head in_pieces(
	const char *text, size_t size, size_t step, struct rest_head_scan *scan)
{
	enum rest_head verdict = REST_HEAD_PARTIAL;

	*scan = (struct rest_head_scan){0};
	for (size_t n = step; verdict == REST_HEAD_PARTIAL && n < size; n += step)
		verdict = rest_head_check(scan, text, n);
	return verdict == REST_HEAD_PARTIAL ? rest_head_check(scan, text, size) : verdict;
}

static void check_head(const char *text, size_t size)
{
	struct rest_head_scan scan, again;

	if (in_pieces(text, size, size + 1, &scan) != REST_HEAD_GOOD)
		return;
	if (scan.len > size || scan.framing + scan.framing_len > scan.len)
		abort();
	for (size_t step = 1; step < 4; step++)
		if (in_pieces(text, scan.len, step, &again) != REST_HEAD_GOOD ||
			again.len != scan.len || again.body_len != scan.body_len ||
			again.framing != scan.framing)
			abort();
	if (in_pieces(text, scan.len - 1, scan.len, &again) == REST_HEAD_GOOD)
		abort();
}

static void check_access(const char *text, size_t size)
{
	struct rest_access access = {0};
	struct rest_address address;
	struct fault fault;
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
