/* SPDX-License-Identifier: MIT */
/*
 * Whether a request may have a device, and every reason why not.
 *
 * Pure functions of core/plan/facts.h: they read nothing and change nothing. Main decides with
 * them, and the privileged helper checks main with the same ones.
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

/* Whether a guard may be passed by force. What is a fact of the device rather than a danger (a
 * bridge, no IOMMU group, a write still under way) may not, nor may a disk be taken that something
 * is built upon: what is lost with it is the host. */
bool plan_can_force(enum core_reason reason);

/* Whether a request may name it in force, though it be in vain. */
bool plan_may_name(enum core_reason reason);

/* All that may be forced: bit 1u << reason. */
uint32_t plan_forceable_bits(void);

/* The guards that may be forced, "A, B and C"; static storage. */
const char *plan_forceable(void);

/* Appends every reason why the request must not touch the device; none: it may. */
void plan_judge(const struct plan_request *request, const struct facts *facts,
	const struct device_facts *f, struct core_problems *refusals);

/* Whether the reason is that somebody uses the device: a disk, a network, a node, by VFIO. */
bool plan_is_use(enum core_reason reason);

/* Appends what uses the device, but for what force names. */
void plan_judge_uses(uint32_t force, const struct device_facts *f, struct core_problems *refusals);

/* Whether the request has anything to do for the device. */
bool plan_needs(const struct plan_request *request, const struct device_facts *f);
