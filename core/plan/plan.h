/* SPDX-License-Identifier: MIT */
/*
 * Plans: the writes that a request needs, in a safe order, or every reason against it.
 *
 * Pure functions of core/plan/facts.h: they read nothing and change nothing. core/change/step.h
 * runs a plan. To a dry run, the plan is the answer.
 *
 * The order is override, unbind, bind. The override keeps other drivers from taking the device
 * between unbind and bind (Documentation/ABI/testing/sysfs-bus-pci, driver_override). The bind is
 * written to the driver itself, which reports an errno; drivers_probe always reports success.
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

/* Judges all devices. When none is refused, appends the steps of all in their order. 0, also when
 * there are refusals, or -ENOMEM. */
int plan_make(const struct plan_request *request, const struct facts *facts, struct plan *plan,
	struct core_problems *refusals);

/* Appends the steps that move a device from driver ("" for none) to the VFIO driver. 0 or -ENOMEM.
 */
int plan_to_vfio(
	struct plan *plan, struct pci_address address, const char *driver, const char *vfio_driver);

/* Appends the steps that bring a device on driver ("" for none) back to its original driver and
 * override: for unbind, for rollback and for repair after a crash. 0 or -ENOMEM. */
int plan_to_origin(struct plan *plan, const char *driver, const struct device_origin *origin);

/* Appends the steps that let the kernel choose the device's native driver. 0 or -ENOMEM. */
int plan_to_native(struct plan *plan, struct pci_address address, const char *driver);

/* "set_override", "clear_override", "unbind", "bind" or "probe". */
const char *plan_step_name(const struct plan_step *step);

void plan_clear(struct plan *plan);
