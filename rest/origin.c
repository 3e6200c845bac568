/* SPDX-License-Identifier: MIT */
/* Which pages may ask for changes. */
#include "rest/origin.h"

#include <string.h>
#include <strings.h>

static const struct scheme {
	const char *name;
	const char *port; /* that it has when none is given */
} origin_schemes[] = {{"http", ":80"}, {"https", ":443"}};

static bool origin_equals(const char *text, size_t len, const char *literal)
{
	return strlen(literal) == len && strncasecmp(text, literal, len) == 0;
}

/* Length without the scheme's own port. */
static size_t origin_trim(const char *authority, size_t len, const char *port)
{
	size_t port_len = strlen(port);

	if (len >= port_len && memcmp(authority + len - port_len, port, port_len) == 0)
		return len - port_len;
	return len;
}

static bool origin_is_of(const struct scheme *scheme, const char *origin, size_t origin_len,
	const char *authority, size_t authority_len)
{
	size_t skip = strlen(scheme->name), len;

	if (origin_len < skip + 3 || strncasecmp(origin, scheme->name, skip) != 0 ||
		memcmp(origin + skip, "://", 3) != 0)
		return false;
	origin += skip + 3;
	len = origin_trim(origin, origin_len - skip - 3, scheme->port);
	return len > 0 && len == origin_trim(authority, authority_len, scheme->port) &&
	       strncasecmp(origin, authority, len) == 0;
}

bool rest_origin_is(const char *origin, size_t origin_len, const char *scheme,
	const char *authority, size_t authority_len)
{
	for (size_t i = 0; i < sizeof(origin_schemes) / sizeof(origin_schemes[0]); i++)
		if ((!scheme || strcasecmp(scheme, origin_schemes[i].name) == 0) &&
			origin_is_of(
				&origin_schemes[i], origin, origin_len, authority, authority_len))
			return true;
	return false;
}

bool rest_origin_may_change(const struct rest_access *access, const char *origin, size_t len)
{
	const char *allowed;

	if (origin_equals(origin, len, "null"))
		return false;
	allowed = rest_access_origin(access, origin, len);
	return allowed && (*allowed != '*' || access->key_len > 0);
}

bool rest_origin_is_foreign_site(const char *site, size_t len)
{
	return !origin_equals(site, len, "same-origin") && !origin_equals(site, len, "none");
}
