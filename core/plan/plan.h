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

#include "core/plan/judge.h"

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
