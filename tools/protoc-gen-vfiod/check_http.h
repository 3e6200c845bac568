/* SPDX-License-Identifier: MIT */
/* What the plugin refuses: HTTP rules and how the document would show them. */
#pragma once

#include "tools/protoc-gen-vfiod/model.h"

/* The part of check_model about HTTP rules: routes, operations, comments. */
void check_http(const struct model *model, struct report *report);
