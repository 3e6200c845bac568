/* SPDX-License-Identifier: MIT */
/* Fills in the result of a change. */
#pragma once

#include "core/change/change.h"

/* Fills in the result, which takes over the plan from c. 0, or -1 with err. After a change was
 * made, only a lack of memory is an error. */
int change_fill_result(struct change *c, struct change_result *result, struct core_error *err);
