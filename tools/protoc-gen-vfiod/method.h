/* SPDX-License-Identifier: MIT */
/* Fills the model's table of methods. */
#pragma once

#include "tools/protoc-gen-vfiod/model.h"

/* Adds every method of the files to generate, sorted by name. The types must be there. */
void method_load_all(struct model *model, struct report *report);
