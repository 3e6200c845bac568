/* SPDX-License-Identifier: MIT */
/* Limits how often a caller's refusals are logged. Pure but for what the caller of it keeps. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { LIMIT_CALLERS = 64, LIMIT_BURST = 10, LIMIT_SECONDS = 6 };

/* All zero at first. Each caller may have LIMIT_BURST lines at once, and one more every
 * LIMIT_SECONDS. Callers are told apart without the port of their address. */
struct limit {
	struct limit_caller {
		char name[80];
		unsigned tokens, left_out;
		int64_t at_ns; /* when the tokens were counted; 0: a free place */
	} callers[LIMIT_CALLERS];
};

/* Whether the caller may have another line. Then *ret_left_out is how many it was denied since its
 * last one, or how many another was whose place it takes. */
bool limit_take(struct limit *limit, const char *caller, int64_t now_ns, unsigned *ret_left_out);
