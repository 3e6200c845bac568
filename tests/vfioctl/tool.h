/* SPDX-License-Identifier: MIT */
/* Running vfioctl as a user does. */
#pragma once

/* What a run left behind. */
struct tool_run {
	int exit_code; /* -1: it was killed by a signal */
	char *out;
	char *err;
};

/* Runs the program with these arguments (NULL-terminated, without the program's own name), its
 * environment plus VFIOD_RPC, and waits. Fails the test when it cannot be run. */
struct tool_run tool_run(const char *program, const char *url, const char *const *arguments);

void tool_run_clear(struct tool_run *run);
