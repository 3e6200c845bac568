/* SPDX-License-Identifier: MIT */
/* Addresses and blocks of them. Pure functions. */
#pragma once

#include "core/base/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* An IP address. An IPv4-mapped IPv6 address is held as the IPv4 address it is. */
struct rest_address {
	sa_family_t family; /* AF_INET, AF_INET6, or AF_UNSPEC: not an IP address */
	uint8_t bytes[16];  /* network order; the first 4 for AF_INET */
};

/* A block of addresses; host bits are zero. */
struct rest_cidr {
	struct rest_address address;
	unsigned prefix;
};

struct rest_cidrs {
	struct rest_cidr *entries;
	size_t count;
};

/* The address of a socket's peer; AF_UNSPEC for another family than IPv4 and IPv6. */
void rest_address_from(const struct sockaddr *sockaddr, struct rest_address *ret);

/* Parses an address as X-Forwarded-For has it: bare, "[v6]", or with a port. */
bool rest_address_parse(const char *text, size_t len, struct rest_address *ret);

/* Parses comma-separated CIDRs, blanks around each dropped; a bare address is a /32 or /128. Host
 * bits beyond the prefix are dropped: 10.1.2.3/8 is 10.0.0.0/8, as most tools take it. Text that
 * is all blank gives none; an entry that does not parse, an empty one included, is -EINVAL with
 * the entry in the fault, and *ret is untouched. -ENOMEM when memory is short. The caller frees
 * *ret with rest_cidrs_clear. */
int rest_cidrs_parse(const char *text, struct rest_cidrs *ret, struct fault *fault);
void rest_cidrs_clear(struct rest_cidrs *cidrs);
bool rest_cidrs_match(const struct rest_cidrs *cidrs, const struct rest_address *address);
