/* SPDX-License-Identifier: MIT */
/* Repair at start. */
#pragma once

#include "core/error.h"

struct host;

/* Ends every change that was interrupted, before anything is served: rolls it back, or finishes it
 * when that was left to do. Calls report with a sentence for each device that was brought back, or
 * could not be. 0, or -1 with err when the store fails. */
int recover_run(struct host *host, void (*report)(void *arg, const char *sentence), void *arg,
	struct core_error *err);
