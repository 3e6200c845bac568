/* SPDX-License-Identifier: MIT */
/* Operations of the document. */
#pragma once

#include "tools/protoc-gen-vfiod/doc.h"
#include "tools/protoc-gen-vfiod/model.h"

/* The operation of a method with HTTP that check_model let pass, new. */
json_t *operation_new(const struct method *method);
