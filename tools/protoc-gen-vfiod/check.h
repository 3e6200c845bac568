/* SPDX-License-Identifier: MIT */
/* What the plugin refuses to generate. */
#pragma once

#include "tools/protoc-gen-vfiod/model.h"

/* Reports everything in the model that the daemon could not serve safely, or that the document
 * could not describe. Sets in_request and in_answer of the types. */
void check_model(struct model *model, struct report *report);
