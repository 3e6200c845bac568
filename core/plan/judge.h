/* SPDX-License-Identifier: MIT */
/*
 * Whether a request may have a device, and every reason why not.
 *
 * Pure functions of core/plan/facts.h: they read nothing and change nothing. The daemon decides
 * with them, and the privileged helper checks the daemon with the same functions.
 */
#pragma once

#include "core/plan/facts.h"

enum plan_goal {
	PLAN_TO_VFIO,	/* bind */
	PLAN_TO_ORIGIN, /* unbind */
	PLAN_TO_USER,	/* no steps: may the device be handed to a new user as it is? */
};

struct plan_request {
	enum plan_goal goal;
	const char *vfio_driver;       /* to bind to */
	const struct allowlist *allow; /* the request's; may be NULL */
	uint32_t force;		       /* guards to pass: bit 1u << reason */
	bool leave_driverless;	       /* unbind, and give to no driver */
};

/* Whether the reason is a guard that a request may force. A property of the device (a bridge, no
 * IOMMU group, a write under way) cannot be forced. Nor can a disk in use, because the host would
 * be lost with it. */
bool plan_can_force(enum core_reason reason);

/* Whether a request may name the reason in force, even if that has no effect. */
bool plan_may_name(enum core_reason reason);

/* All guards that may be forced: bit 1u << reason. */
uint32_t plan_forceable_bits(void);

/* Their names, "A, B and C"; static storage. */
const char *plan_forceable(void);

/* Appends every reason why the request must not touch the device. */
void plan_judge(const struct plan_request *request, const struct facts *facts,
	const struct device_facts *f, struct core_problems *refusals);

/* Whether the reason is a use of the device, or one that could not be seen: disk, network, node,
 * VFIO. */
bool plan_is_use(enum core_reason reason);

/* Appends the uses of the device that force does not name. */
void plan_judge_uses(uint32_t force, const struct device_facts *f, struct core_problems *refusals);

/* Whether vfiod bound the device, and it has no driver now: another tool, or the end of its VFIO
 * driver's module, has taken it away. */
bool plan_is_lost(const struct device_facts *f);

/* Whether the request has anything to do for the device. */
bool plan_needs(const struct plan_request *request, const struct device_facts *f);
