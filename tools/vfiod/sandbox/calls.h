/* SPDX-License-Identifier: MIT */
/* The filter of system calls. */
#pragma once

#include "tools/vfiod/sandbox/sandbox.h"

enum sandbox_process {
	SANDBOX_MAIN,
	SANDBOX_HAND,	     /* and its children */
	SANDBOX_HAND_LOADER, /* the same where it may load modules */
};

/* Loads the filter of system calls for all threads. 0, -ENOSYS where the kernel has no filters, or
 * another negative errno. */
int sandbox_calls_load(enum sandbox_process process, enum sandbox_mode mode);
