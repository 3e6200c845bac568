/* SPDX-License-Identifier: MIT */
/* The parts of the sandbox, for sandbox.c and tests alone. */
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

/* Makes SIGSYS the answer to a call that is not allowed: a line on stderr for each distinct call,
 * and EPERM for the caller. To be called before the filter is loaded. 0 or a negative errno. */
int sandbox_trap_install(void);

/* Leaves the process no file but those of the daemon. Returns what the kernel knows of Landlock, a
 * version; 0 where it does not; or a negative errno. */
int sandbox_files_restrict(const struct sandbox *sandbox);
