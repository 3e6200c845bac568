/* SPDX-License-Identifier: MIT */
/*
 * Reads what a plan is made from.
 *
 * This is the reading half of planning, core/plan/plan.h the thinking half. Whatever may stand in a
 * change's way is found out here, whether or not the request will be stopped by it.
 */
#pragma once

#include "core/plan/facts.h"

struct host;

/* Reads the facts about n devices, which must outlive them. Asks the hand, so it may block until
 * deadline. 0, or -1 with err when something could not be found out: who cannot look must not say
 * that nobody is there. */
int facts_gather(struct host *host, struct device *const *devices, size_t n, int64_t deadline,
	struct facts *ret, struct core_error *err);

/* Adds to the problem the processes that use the device by VFIO, or have one of its nodes open:
 * who keeps a write to it from returning. Best effort. */
void facts_add_holders(struct host *host, const struct device *device, int64_t deadline,
	struct core_problem *problem);
