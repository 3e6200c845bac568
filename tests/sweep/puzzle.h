/* SPDX-License-Identifier: MIT */
/*
 * Changes that were made at the same time, and where the devices are now: is there an order that
 * explains it?
 *
 * A change that succeeded sets all devices of its set at one moment between its beginning and its
 * end. Half a batch, a change that was lost or one that was put off have no order.
 */
#pragma once

#include "tests/contract/why.h"

#include <stdint.h>

enum { PUZZLE_MAX = 64 };

/* One that succeeded. */
struct puzzle_change {
	bool to_vfio;
	unsigned set; /* of devices, as bits */
	int64_t begun, ended;
};

/* The changes, of which the last ones are taken away, and what is still to be explained. */
struct puzzle {
	const struct puzzle_change *left[PUZZLE_MAX];
	unsigned n_left;
	unsigned n_devices;
	const bool *on_vfio; /* where each device is now */
	unsigned free;	     /* devices that need no explanation, as bits */
};

/* Whether there is an order, beginning with the devices as they were before. */
bool puzzle_solve(struct puzzle *puzzle, const bool *before, struct why *why);

/* Whether puzzle_solve itself tells right from wrong. */
bool puzzle_can_tell(struct why *why);
