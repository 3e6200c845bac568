/* SPDX-License-Identifier: MIT */
/* Fills the model's list of messages and enums. */
#pragma once

#include "tools/protoc-gen-vfiod/model.h"

/* Adds every type of every file, nested ones too, and ties fields to their types. */
void type_load_all(struct model *model, struct report *report);
