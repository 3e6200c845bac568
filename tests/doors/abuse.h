/* SPDX-License-Identifier: MIT */
/* What clients do that no single answer shows: each fails the test unless the door does as said. */
#pragma once

#include "tests/doors/ground.h"

struct abuse {
	const char *name;
	void (*run)(struct ground *ground);
};

/* The end of each list has no name. */
extern const struct abuse abuse_http[];
extern const struct abuse abuse_rpc[];
extern const struct abuse abuse_bind[];
extern const struct abuse abuse_slow[];
