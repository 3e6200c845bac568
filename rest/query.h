/* SPDX-License-Identifier: MIT */
/* Query strings: as request messages, and for the one parameter that is not a field. */
#pragma once

#include "core/base/fault.h"

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

/* The parameter that carries the API key where a client can set no header. */
#define REST_QUERY_KEY "api_key"

/* Reads a query (without its '?') as a message of the type; api_key is passed over. Each field may
 * be named once, a repeated field once for each element; values are read strictly, percent-escapes
 * and '+' decoded. On success *ret is the caller's, freed with protobuf_c_message_free_unpacked(
 * *ret, NULL). -EINVAL with the fault naming the parameter, or -ENOMEM. */
int rest_query_read(const ProtobufCMessageDescriptor *type, const char *query, size_t len,
	ProtobufCMessage **ret, struct fault *fault);

/* The decoded value of the first api_key parameter, to be freed by the caller, or NULL when there
 * is none that decodes. */
char *rest_query_key(const char *query, size_t len);

/* Refuses every parameter but api_key: where the body has the fields, one in the query would be
 * passed over in silence. 0, or -EINVAL with the fault naming it. */
int rest_query_refuse(const char *query, size_t len, struct fault *fault);
