/* SPDX-License-Identifier: MIT */
/* jansson with every failure fatal: half a document is worse than none. */
#pragma once

#include <jansson.h>

/* Makes short memory end the process. Call before any other use of jansson. */
void doc_init(void);

/* Sets a member and steals value, which must not be NULL. */
void doc_put(json_t *object, const char *key, json_t *value);

/* Sets a member to a text; an empty one is left out. */
void doc_put_text(json_t *object, const char *key, const char *text);

/* Appends to an array and steals value, which must not be NULL. */
void doc_append(json_t *array, json_t *value);

/* {"$ref": "#/components/KIND/NAME"}, new. */
json_t *doc_ref(const char *kind, const char *name);

/* {"application/json": {"schema": …, "example": …}}, new; steals both. No example: NULL. */
json_t *doc_content(json_t *schema, json_t *example);
