/* SPDX-License-Identifier: MIT */
/* The API key, the client behind a proxy, the Host header, the origins. */
#include "rest/access.h"
#include "core/base/array.h"
#include "core/base/secret.h"
#include "core/base/util.h"
#include "rest/list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void access_free_origins(char **origins, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(origins[i]);
	free(origins);
}

void rest_access_clear(struct rest_access *access)
{
	rest_cidrs_clear(&access->allowed);
	rest_cidrs_clear(&access->proxies);
	access_free_origins(access->origins, access->origin_count);
	explicit_bzero(access->key, sizeof(access->key));
	*access = (struct rest_access){0};
}

int rest_access_set_key(struct rest_access *access, const char *key, struct fault *fault)
{
	size_t len = strlen(key);

	if (len == 0)
		return fault_set(fault, -EINVAL, "the API key is empty");
	if (len > REST_KEY_MAX)
		return fault_set(
			fault, -EINVAL, "the API key is longer than %d characters", REST_KEY_MAX);
	for (size_t i = 0; i < len; i++)
		if (key[i] <= 0x20 || key[i] >= 0x7f)
			return fault_set(fault, -EINVAL,
				"the API key has a blank or a character that is not ASCII at position %zu",
				i + 1);
	memcpy(access->key, key, len + 1);
	access->key_len = len;
	return 0;
}

bool rest_access_key_fits(const struct rest_access *access, const char *presented, size_t len)
{
	return access->key_len == 0 || (presented && secret_equal(presented, len, access->key));
}

/* Takes the last comma-separated entry off the list, without the blanks around it. */
static void access_last_entry(
	const char *list, size_t *len, const char **ret_entry, size_t *ret_len)
{
	const char *comma = memrchr(list, ',', *len);
	size_t start = comma ? (size_t)(comma - list) + 1 : 0, end = *len;

	while (start < end && (list[start] == ' ' || list[start] == '\t'))
		start++;
	while (end > start && (list[end - 1] == ' ' || list[end - 1] == '\t'))
		end--;
	*ret_entry = list + start;
	*ret_len = end - start;
	*len = comma ? (size_t)(comma - list) : 0;
}

void rest_access_client(const struct rest_access *access, const struct rest_address *peer,
	const char *forwarded, size_t len, struct rest_address *ret)
{
	*ret = *peer;
	while (forwarded && len > 0 && rest_cidrs_match(&access->proxies, ret)) {
		const char *entry;
		size_t entry_len;

		access_last_entry(forwarded, &len, &entry, &entry_len);
		if (!rest_address_parse(entry, entry_len, ret)) {
			*ret = (struct rest_address){.family = AF_UNSPEC};
			return;
		}
	}
}

bool rest_access_allows(const struct rest_access *access, const struct rest_address *client)
{
	return access->allowed.count == 0 || rest_cidrs_match(&access->allowed, client);
}

/* The host without its port; false when what follows the host is no port. */
static bool access_split_port(const char *host, size_t len, size_t *ret_len)
{
	const char *colon;
	size_t digits;

	if (len > 0 && host[0] == '[') {
		const char *bracket = memchr(host, ']', len);

		if (!bracket)
			return false;
		*ret_len = (size_t)(bracket - host) + 1;
	} else {
		colon = memchr(host, ':', len);
		*ret_len = colon ? (size_t)(colon - host) : len;
	}
	if (*ret_len == len)
		return true;
	if (host[*ret_len] != ':')
		return false;
	digits = len - *ret_len - 1;
	for (size_t i = 0; i < digits; i++)
		if (host[*ret_len + 1 + i] < '0' || host[*ret_len + 1 + i] > '9')
			return false;
	return digits <= 5;
}

static bool access_is_localhost(const char *name, size_t len)
{
	static const char localhost[] = "localhost";
	size_t want = sizeof(localhost) - 1;

	if (len > 0 && name[len - 1] == '.')
		len--;
	if (len < want || strncasecmp(name + len - want, localhost, want) != 0)
		return false;
	return len == want || name[len - want - 1] == '.';
}

bool rest_access_host_is_loopback(const char *host, size_t len)
{
	static const uint8_t one[16] = {[15] = 1};
	struct rest_address address;
	size_t name_len;

	if (!access_split_port(host, len, &name_len))
		return false;
	if (access_is_localhost(host, name_len))
		return true;
	if (!rest_address_parse(host, name_len, &address))
		return false;
	if (address.family == AF_INET)
		return address.bytes[0] == 127;
	return memcmp(address.bytes, one, sizeof(one)) == 0;
}

/* An origin as a browser sends it: no path, no blanks. */
static bool access_is_origin(const char *text)
{
	const char *host = strstr(text, "://");

	return host && host > text && host[3] != '\0' && !strpbrk(host + 3, "/?#@, \t") &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+-.") == (size_t)(host - text);
}

static int access_add_origin(void *arg, char *entry, struct fault *fault)
{
	struct rest_access *access = arg;
	char **added, *copy;

	if (strcmp(entry, "*") == 0) {
		access->any_origin = true;
		return 0;
	}
	if (!access_is_origin(entry))
		return fault_set(fault, -EINVAL,
			"CORS origin \"%.100s\" is neither * nor of the form scheme://host[:port]",
			entry);
	copy = strdup(entry);
	added = copy ? ARRAY_ADD(access->origins, access->origin_count) : NULL;
	if (!added) {
		free(copy);
		return fault_set(fault, -ENOMEM, "out of memory");
	}
	*added = copy;
	return 0;
}

int rest_access_set_origins(struct rest_access *access, const char *text, struct fault *fault)
{
	CLEANUP(rest_access_clear) struct rest_access fresh = {0};
	int r = rest_list_each(text, access_add_origin, &fresh, fault);

	if (r < 0)
		return r;
	access_free_origins(access->origins, access->origin_count);
	access->origins = fresh.origins;
	access->origin_count = fresh.origin_count;
	access->any_origin = fresh.any_origin;
	fresh.origins = NULL;
	fresh.origin_count = 0;
	return 0;
}

const char *rest_access_origin(const struct rest_access *access, const char *origin, size_t len)
{
	for (size_t i = 0; i < access->origin_count; i++)
		if (strlen(access->origins[i]) == len &&
			strncasecmp(access->origins[i], origin, len) == 0)
			return access->origins[i];
	return access->any_origin ? "*" : NULL;
}
