/* SPDX-License-Identifier: MIT */
/* Messages, enums and fields as JSON Schema. All results are new references. */
#pragma once

#include "tools/protoc-gen-vfiod/doc.h"
#include "tools/protoc-gen-vfiod/model.h"

/* The component of a message or an enum that check_model let pass. */
json_t *schema_type(struct pool *pool, const struct type *type);

/* A field as a property: its description and rules included. */
json_t *schema_property(const struct field *field);

/* What a field holds: the type, and what its rules say of it. */
json_t *schema_value(const struct field *field);
