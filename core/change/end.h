/* SPDX-License-Identifier: MIT */
/* The end of a change that was made. */
#pragma once

#include "core/change/change.h"

/* Whether the i-th target is on a native driver that another tool gave it to, and has a record of
 * ours still: unbinding ends that, for it is where it belongs. One without a driver keeps its, for
 * the bind after which it is given back. */
bool change_is_stale(const struct change *c, size_t i);

/* Ends the intent with what the change made true. 0, or -1 with err: it is to be undone then. */
int change_end(struct change *c, struct core_error *err);
