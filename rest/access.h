/* SPDX-License-Identifier: MIT */
/*
 * Who may speak to the REST face: addresses, the API key, origins (docs/operations.md, "Access").
 *
 * Pure functions over plain structs; nothing here touches a socket or blocks. A struct rest_access
 * is filled in once, before the server starts, and only read afterwards, from any thread.
 */
#pragma once

#include "rest/fault.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* Longest API key, in bytes. */
#define REST_KEY_MAX 255

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

/* All zero lets everyone in without a key. */
struct rest_access {
	char key[REST_KEY_MAX + 1];
	size_t key_len;		   /* 0: no key is asked for */
	bool no_query_key;	   /* it counts in a header alone, not in the query */
	struct rest_cidrs allowed; /* none: every address */
	struct rest_cidrs proxies; /* whose X-Forwarded-For counts */
	char **origins;		   /* of CORS; origins[0..origin_count) */
	size_t origin_count;
	bool any_origin;
};

/* Frees what the struct holds and zeroes it. */
void rest_access_clear(struct rest_access *access);

/* Sets the key. -EINVAL for one that is empty, too long or not printable ASCII without blanks:
 * such a key could not be sent in a header. */
int rest_access_set_key(struct rest_access *access, const char *key, struct rest_fault *fault);

/* Parses comma-separated CIDRs, blanks around each dropped; a bare address is a /32 or /128. Host
 * bits beyond the prefix are dropped: 10.1.2.3/8 is 10.0.0.0/8, as most tools take it. Text that
 * is all blank gives none; an entry that does not parse, an empty one included, is -EINVAL with
 * the entry in the fault, and *ret is untouched. -ENOMEM when memory is short. The caller frees
 * *ret with rest_cidrs_clear, or leaves it to rest_access_clear. */
int rest_cidrs_parse(const char *text, struct rest_cidrs *ret, struct rest_fault *fault);
void rest_cidrs_clear(struct rest_cidrs *cidrs);
bool rest_cidrs_match(const struct rest_cidrs *cidrs, const struct rest_address *address);

/* Sets the origins of CORS: comma-separated "scheme://host[:port]", or "*". -EINVAL with the
 * entry in the fault, or -ENOMEM; access is unchanged then. */
int rest_access_set_origins(struct rest_access *access, const char *text, struct rest_fault *fault);

/* The address of a socket's peer; AF_UNSPEC for another family than IPv4 and IPv6. */
void rest_address_from(const struct sockaddr *sockaddr, struct rest_address *ret);

/* Parses an address as X-Forwarded-For has it: bare, "[v6]", or with a port. */
bool rest_address_parse(const char *text, size_t len, struct rest_address *ret);

/* Who the client is: the peer, or, when the peer is a trusted proxy, the last address of
 * X-Forwarded-For that is not one. forwarded is all such headers joined by commas in their order,
 * or NULL. Where the header is garbage at the place that counts, the client is AF_UNSPEC, which
 * no list allows. */
void rest_access_client(const struct rest_access *access, const struct rest_address *peer,
	const char *forwarded, size_t len, struct rest_address *ret);

/* Whether a client of that address is let in. */
bool rest_access_allows(const struct rest_access *access, const struct rest_address *client);

/* Whether the key presented is the key; true when none is asked for. The time that it
 * takes depends on len alone. */
bool rest_access_key_fits(const struct rest_access *access, const char *presented, size_t len);

/* Whether a Host header names this machine's loopback: localhost, a name below it, 127.0.0.0/8 or
 * [::1], each perhaps with a port. A browser that was lured by DNS rebinding names another. */
bool rest_access_host_is_loopback(const char *host, size_t len);

/* The value of Access-Control-Allow-Origin for that Origin: "*", the origin itself as configured,
 * or NULL when it may not read. */
const char *rest_access_origin(const struct rest_access *access, const char *origin, size_t len);
