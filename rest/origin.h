/* SPDX-License-Identifier: MIT */
/*
 * Which pages may ask for changes.
 *
 * A browser sends what any page tells it to, with the rights of its user, and tells by the Origin
 * header whose page it was. Pure functions.
 */
#pragma once

#include "rest/access.h"

/* Whether the origin, as a browser sends it, is that of scheme ("http" or "https"; NULL: either)
 * and authority, as in Host: in any case of letters, the scheme's own port given or not. */
bool rest_origin_is(const char *origin, size_t origin_len, const char *scheme,
	const char *authority, size_t authority_len);

/* Whether pages of the origin may ask for changes by VOLANT_CORS_ORIGINS; "*" among them counts
 * where a key is asked for beside. Pages without an origin ("null": a sandbox, a local file) never
 * may, for all of them look the same. */
bool rest_origin_may_change(const struct rest_access *access, const char *origin, size_t len);

/* Whether a value of Sec-Fetch-Site tells of a page of another origin. */
bool rest_origin_is_foreign_site(const char *site, size_t len);
