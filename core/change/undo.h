/* SPDX-License-Identifier: MIT */
/* The undoing of a change that failed. */
#pragma once

#include "core/change/change.h"

/* Brings every device back that the first n_begun steps touched, last first, and the nodes of those
 * that were bound already. Adds to err, the reason for it, what could not be undone and what
 * becomes of it. */
void change_undo(struct change *c, size_t n_begun, struct core_error *err);
