/* SPDX-License-Identifier: MIT */
/* The rules for files. */
#pragma once

#include "tools/vfiod/sandbox/sandbox.h"

/* Leaves the process no file but those of the daemon. Returns what the kernel knows of Landlock, a
 * version; 0 where it does not; or a negative errno. */
int sandbox_files_restrict(const struct sandbox *sandbox);
