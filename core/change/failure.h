/* SPDX-License-Identifier: MIT */
/* Rolls back a change that failed. */
#pragma once

#include "core/change/change.h"

/* Brings back every device that the first n_begun steps touched, last first, and the owner and mode
 * of nodes of devices that were bound before; or has the change watched until its blocked write
 * returns. err holds the reason for the rollback; what could not be brought back, and what happens
 * to it next, is added. */
void change_fail(struct change *c, size_t n_begun, struct core_error *err);
