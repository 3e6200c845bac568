/* SPDX-License-Identifier: MIT */
/*
 * Reads what a plan is made from.
 *
 * core/plan/plan.h decides by it. Everything that may be a reason to refuse is read, whatever the
 * request.
 */
#pragma once

#include "core/plan/facts.h"

struct host;

/* Reads the facts about n devices, which must outlive them. Asks the privileged helper, so it may
 * block until the deadline. batch: of which change it is a look before a write
 * (core/helper/look_cache.h); 0 for a look of its own. 0, or -1 with err when something cannot be
 * read: what cannot be examined must not count as unused. */
int facts_gather(struct host *host, struct device *const *devices, size_t n, uint32_t batch,
	int64_t deadline, struct facts *ret, struct core_error *err);

/* The same without the privileged helper, so without the processes that have a device open: for
 * advice, which a request is judged after. Does not block. */
int facts_glance(struct host *host, struct device *const *devices, size_t n, struct facts *ret,
	struct core_error *err);

/* Adds to the problem the processes that use the device through VFIO or have one of its nodes open.
 * These keep a write to it from returning. Best effort. */
void facts_add_holders(struct host *host, const struct device *device, int64_t deadline,
	struct core_problem *problem);
