/* SPDX-License-Identifier: MIT */
/* The end of a change that was made. */
#pragma once

#include "core/change/change.h"

/* Whether the i-th target has a record of ours although another tool has given it to a native
 * driver. An unbind ends that record: the device is where it belongs. A device without a driver
 * keeps its record, which a later bind and unbind need. */
bool change_is_stale(const struct change *c, size_t i);

/* Ends the intent and writes what the change made true. 0, or -1 with err: the caller then rolls
 * the change back. */
int change_end(struct change *c, struct core_error *err);
