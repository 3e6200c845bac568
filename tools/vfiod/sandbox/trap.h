/* SPDX-License-Identifier: MIT */
/* The answer to a call that is not allowed. */
#pragma once

/* Makes SIGSYS the answer to a call that is not allowed: a line on stderr for each distinct call,
 * and EPERM for the caller. To be called before the filter is loaded. 0 or a negative errno. */
int sandbox_trap_install(void);
