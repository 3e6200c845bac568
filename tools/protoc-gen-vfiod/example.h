/* SPDX-License-Identifier: MIT */
/* Examples: those the .proto files give, held against the messages they are of. */
#pragma once

#include "tools/protoc-gen-vfiod/doc.h"
#include "tools/protoc-gen-vfiod/model.h"

/* Reports examples that are no JSON or name fields that do not exist: of methods with HTTP and of
 * fields. */
void example_check(const struct model *model, struct report *report);

/* The request's or the answer's example, new; NULL when the method gives none. The answer's is
 * completed as the daemon would print it: with the fields' own examples, or their defaults. */
json_t *example_request(const struct method *method);
json_t *example_answer(const struct method *method);

/* An answer's message made of its fields' examples and defaults, new. */
json_t *example_message(const struct type *type);
