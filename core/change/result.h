/* SPDX-License-Identifier: MIT */
/* What a change came to. */
#pragma once

#include "core/change/change.h"

/* What the change came to, or would. The plan is taken from c. 0, or -1 with err; of a change that
 * was made only for lack of memory. */
int change_fill_result(struct change *c, struct change_result *result, struct core_error *err);
