/* SPDX-License-Identifier: MIT */
/* The outputs, each written to a stream. The model must have passed check_model. Declared together,
 * rather than in three headers of one function, for main.c alone calls them. */
#pragma once

#include "tools/protoc-gen-vfiod/doc.h"
#include "tools/protoc-gen-vfiod/model.h"

#include <stdio.h>

/* methods.gen.c: the table of rpc/service/method.h and the descriptor set. */
void gen_methods(const struct model *model, FILE *stream);

/* routes.gen.c: the table of rest/route.h. */
void gen_routes(const struct model *model, FILE *stream);

/* The OpenAPI document, new. */
json_t *gen_openapi(const struct model *model);

/* openapi.gen.c: the document as C. */
void gen_openapi_source(json_t *document, FILE *stream);
