/* SPDX-License-Identifier: MIT */
/* The error answers of the REST face, as the document shows them. */
#pragma once

#include "tools/protoc-gen-vfiod/doc.h"
#include "tools/protoc-gen-vfiod/model.h"

/* Which calls can end in a failure; a set. */
enum failure_of {
	FAILURE_OF_ACCESS = 1 << 0, /* all but what needs no key */
	FAILURE_OF_PEER = 1 << 1,   /* all */
	FAILURE_OF_CALL = 1 << 2,   /* calls of a method */
	FAILURE_OF_BODY = 1 << 3,   /* calls with a body */
	FAILURE_OF_CHANGE = 1 << 4, /* calls that change something */
};

/* Adds references to all failures of the set to the responses of an operation. */
void failure_put_refs(json_t *responses, unsigned set);

/* components.responses: every failure. New. */
json_t *failure_components(const struct model *model);

/* The schema of the shape that all of them have. New. */
json_t *failure_schema(const struct model *model);
