/* SPDX-License-Identifier: MIT */
/* Addresses and blocks of them. */
#include "rest/cidr.h"

#include "core/base/array.h"
#include "core/base/util.h"
#include "rest/list.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static unsigned cidr_bits(const struct rest_address *address)
{
	return address->family == AF_INET ? 32 : 128;
}

/* ::ffff:a.b.c.d is the IPv4 address: a dual-stack listener sees IPv4 peers so. */
static void cidr_set_v6(struct rest_address *ret, const uint8_t bytes[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	*ret = (struct rest_address){.family = AF_INET6};
	if (memcmp(bytes, mapped, sizeof(mapped)) == 0) {
		ret->family = AF_INET;
		memcpy(ret->bytes, bytes + sizeof(mapped), 4);
		return;
	}
	memcpy(ret->bytes, bytes, 16);
}

static void cidr_set_v4(struct rest_address *ret, const void *bytes)
{
	*ret = (struct rest_address){.family = AF_INET};
	memcpy(ret->bytes, bytes, 4);
}

void rest_address_from(const struct sockaddr *sockaddr, struct rest_address *ret)
{
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;

	*ret = (struct rest_address){.family = AF_UNSPEC};
	if (sockaddr->sa_family == AF_INET) {
		memcpy(&v4, sockaddr, sizeof(v4));
		cidr_set_v4(ret, &v4.sin_addr);
	} else if (sockaddr->sa_family == AF_INET6) {
		memcpy(&v6, sockaddr, sizeof(v6));
		cidr_set_v6(ret, v6.sin6_addr.s6_addr);
	}
}

/* inet_pton is strict already: four decimal parts without leading zeros, no zone. */
static bool address_parse_bare(const char *text, size_t len, struct rest_address *ret)
{
	char copy[INET6_ADDRSTRLEN];
	struct in6_addr v6;
	struct in_addr v4;

	if (len == 0 || len >= sizeof(copy) || memchr(text, '\0', len))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (inet_pton(AF_INET, copy, &v4) == 1)
		cidr_set_v4(ret, &v4);
	else if (inet_pton(AF_INET6, copy, &v6) == 1)
		cidr_set_v6(ret, v6.s6_addr);
	else
		return false;
	return true;
}

static bool address_is_port(const char *text, size_t len)
{
	if (len < 1 || len > 5)
		return false;
	for (size_t i = 0; i < len; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	return true;
}

bool rest_address_parse(const char *text, size_t len, struct rest_address *ret)
{
	const char *bracket, *colon;
	size_t at;

	if (len > 0 && text[0] == '[') {
		bracket = memchr(text, ']', len);
		if (!bracket)
			return false;
		at = (size_t)(bracket - text) + 1;
		if (at != len && (text[at] != ':' || !address_is_port(text + at + 1, len - at - 1)))
			return false;
		return address_parse_bare(text + 1, at - 2, ret) && memchr(text, ':', at);
	}
	colon = memchr(text, ':', len);
	if (colon && memrchr(text, ':', len) == colon) {
		at = (size_t)(colon - text);
		return address_is_port(colon + 1, len - at - 1) &&
		       address_parse_bare(text, at, ret);
	}
	return address_parse_bare(text, len, ret);
}

static bool cidr_parse_prefix(const char *text, unsigned most, unsigned *ret)
{
	unsigned value = 0;
	size_t len = strlen(text);

	if (len < 1 || len > 3 || strspn(text, "0123456789") != len || (text[0] == '0' && len > 1))
		return false;
	for (size_t i = 0; i < len; i++)
		value = value * 10 + (unsigned)(text[i] - '0');
	if (value > most)
		return false;
	*ret = value;
	return true;
}

static void cidr_mask(struct rest_cidr *cidr)
{
	for (unsigned bit = cidr->prefix; bit < 128; bit++)
		cidr->address.bytes[bit / 8] &= (uint8_t) ~(0x80U >> bit % 8);
}

/* entry is NUL-terminated, without blanks around it. */
static bool cidr_parse(const char *entry, struct rest_cidr *ret)
{
	const char *slash = strchr(entry, '/');
	size_t len = slash ? (size_t)(slash - entry) : strlen(entry);
	bool v6_text = memchr(entry, ':', len) != NULL;
	unsigned bits;

	if (!address_parse_bare(entry, len, &ret->address))
		return false;
	bits = cidr_bits(&ret->address);
	ret->prefix = bits;
	if (slash && !cidr_parse_prefix(slash + 1, v6_text ? 128 : 32, &ret->prefix))
		return false;
	if (slash && v6_text && bits == 32) {
		/* A block of mapped addresses counts its prefix in IPv6; one shorter than the
		 * mapping's own 96 bits would mean more than IPv4. */
		if (ret->prefix < 96)
			return false;
		ret->prefix -= 96;
	}
	cidr_mask(ret);
	return true;
}

void rest_cidrs_clear(struct rest_cidrs *cidrs)
{
	free(cidrs->entries);
	*cidrs = (struct rest_cidrs){0};
}

static int cidrs_add(void *arg, char *entry, struct fault *fault)
{
	struct rest_cidrs *cidrs = arg;
	struct rest_cidr cidr, *added;

	if (!cidr_parse(entry, &cidr))
		return fault_set(fault, -EINVAL,
			"\"%.100s\" is no IPv4 or IPv6 address or CIDR (expected 10.0.0.0/8 or 2001:db8::/32)",
			entry);
	added = ARRAY_ADD(cidrs->entries, cidrs->count);
	if (!added)
		return fault_set(fault, -ENOMEM, "out of memory");
	*added = cidr;
	return 0;
}

int rest_cidrs_parse(const char *text, struct rest_cidrs *ret, struct fault *fault)
{
	CLEANUP(rest_cidrs_clear) struct rest_cidrs cidrs = {0};
	int r = rest_list_each(text, cidrs_add, &cidrs, fault);

	if (r < 0)
		return r;
	*ret = cidrs;
	cidrs = (struct rest_cidrs){0};
	return 0;
}

static bool cidr_contains(const struct rest_cidr *cidr, const struct rest_address *address)
{
	unsigned whole = cidr->prefix / 8, left = cidr->prefix % 8;
	uint8_t mask = (uint8_t)(0xff00U >> left);

	if (cidr->address.family != address->family)
		return false;
	if (memcmp(cidr->address.bytes, address->bytes, whole) != 0)
		return false;
	return left == 0 || ((cidr->address.bytes[whole] ^ address->bytes[whole]) & mask) == 0;
}

bool rest_cidrs_match(const struct rest_cidrs *cidrs, const struct rest_address *address)
{
	for (size_t i = 0; i < cidrs->count; i++)
		if (cidr_contains(&cidrs->entries[i], address))
			return true;
	return false;
}
