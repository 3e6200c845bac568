/* SPDX-License-Identifier: MIT */
/*
 * Plans: from what the host is and what a request wants to the writes that do it, in the order that
 * is safe, or to every reason why not.
 *
 * Pure functions of core/plan/facts.h; they read nothing and change nothing. A plan is run by
 * core/change/step.h, and is itself the answer to a dry run.
 *
 * The order (Documentation/ABI/testing/sysfs-bus-pci, driver_override): the override first, for it
 * keeps every other driver from probing the device between the unbind and the bind; then unbind;
 * then bind on the driver itself, which reports an errno where drivers_probe reports success
 * whatever happened.
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

enum plan_action {
	PLAN_OVERRIDE, /* set driver_override to name, or clear it when name is empty */
	PLAN_UNBIND,   /* from name */
	PLAN_BIND,     /* to name */
	PLAN_PROBE,    /* to whatever driver the kernel finds */
};

struct plan_step {
	struct pci_address address;
	enum plan_action action;
	char name[OVERRIDE_SIZE];
};

struct plan {
	struct plan_step *steps; /* owned */
	size_t count;
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

/* Appends the request's steps for one device, which may be none. 0 or -ENOMEM. */
int plan_steps(const struct plan_request *request, const struct device_facts *f, struct plan *plan);

/* Judges all devices and, when none is refused, appends the steps of all in their order. 0 (ask
 * core_problems_any), or -ENOMEM. */
int plan_make(const struct plan_request *request, const struct facts *facts, struct plan *plan,
	struct core_problems *refusals);

/* Appends what moves the device, now on driver (or ""), to the VFIO driver. 0 or -ENOMEM. */
int plan_to_vfio(
	struct plan *plan, struct pci_address address, const char *driver, const char *vfio_driver);

/* Appends what brings the device, now on driver (or ""), back to its origin's driver and override:
 * for unbind, for the undoing of a failed change, and for repair after a crash. 0 or -ENOMEM. */
int plan_to_origin(struct plan *plan, const char *driver, const struct device_origin *origin);

/* Appends what gives the device to its native driver, whichever that is. 0 or -ENOMEM. */
int plan_to_native(struct plan *plan, struct pci_address address, const char *driver);

/* "set_override", "clear_override", "unbind", "bind" or "probe". */
const char *plan_step_name(const struct plan_step *step);

void plan_clear(struct plan *plan);
