/* SPDX-License-Identifier: MIT */
/* Runs a function in a confined child and tells how that ended. */
#pragma once

#include "tools/vfiod/sandbox/sandbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { KILLED = -1 }; /* by SIGSYS */

struct outcome {
	int result;	/* what the function returned, 0 to 255; KILLED; or -100 - signal */
	char said[512]; /* on stderr */
};

/* Confines a child by `confine`, 0 being success, and has it run `function`. */
struct outcome run_confined(
	int (*confine)(void *arg), void *confine_arg, int (*function)(void *arg), void *arg);

/* How often text is in what the child said. */
int count_said(const struct outcome *outcome, const char *text);
