/* SPDX-License-Identifier: MIT */
/*
 * Who may speak to the REST face: addresses, the API key, origins (docs/operations.md, "Access").
 *
 * Pure functions over plain structs; nothing here touches a socket or blocks. A struct rest_access
 * is filled in once, before the server starts, and only read afterwards, from any thread.
 */
#pragma once

#include "rest/cidr.h"

#include <stdbool.h>
#include <stddef.h>

/* Longest API key, in bytes. */
#define REST_KEY_MAX 255

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
int rest_access_set_key(struct rest_access *access, const char *key, struct fault *fault);

/* Sets the origins of CORS: comma-separated "scheme://host[:port]", or "*". -EINVAL with the
 * entry in the fault, or -ENOMEM; access is unchanged then. */
int rest_access_set_origins(struct rest_access *access, const char *text, struct fault *fault);

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
