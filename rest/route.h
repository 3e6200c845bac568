/* SPDX-License-Identifier: MIT */
/* The routes and the OpenAPI document, generated from proto/ by tools/protoc-gen-vfiod. */
#pragma once

#include "rpc/service/method.h"

#include <stdbool.h>
#include <stddef.h>

/* One operation's place in HTTP. All pointers have static storage. */
struct rest_route {
	const char *verb;		 /* "POST" */
	const char *path;		 /* "/api/v1/vfio/devices/bind": literal, no variables */
	const struct rpc_method *method; /* in rpc_methods */
	bool has_body;			 /* body: "*"; otherwise the query string sets the fields */
	const char *response_body;	 /* field that is the whole answer; NULL: the message is */
};

/* All routes, sorted by path, then by verb (strcmp). */
extern const struct rest_route rest_routes[];
extern const size_t rest_route_count;

/* The OpenAPI 3.1 document as compact JSON; not NUL-terminated within size. */
extern const char rest_openapi[];
extern const size_t rest_openapi_size;
