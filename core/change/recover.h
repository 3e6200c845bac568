/* SPDX-License-Identifier: MIT */
/* Repair at start. */
#pragma once

#include "core/error.h"

struct host;

/* Undoes every change that was cut off, before anything is served. report gets one sentence for
 * each device that was brought back, or could not be. 0, or -1 with err when the store fails. */
int recover_run(struct host *host, void (*report)(void *arg, const char *sentence), void *arg,
	struct core_error *err);
