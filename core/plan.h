/* SPDX-License-Identifier: MIT */
/*
 * Plans: which writes take a device to where it should be, in the order that is safe.
 *
 * Pure functions of a device's state; they read nothing and change nothing. A plan is run by
 * core/transaction.h, and is itself the answer to a dry run.
 *
 * The order (Documentation/ABI/testing/sysfs-bus-pci, driver_override): the override first, for it
 * keeps every other driver from probing the device between the unbind and the bind; then unbind;
 * then bind on the driver itself, which reports an errno where drivers_probe reports success
 * whatever happened.
 */
#pragma once

#include "core/store.h"

enum plan_action {
	PLAN_OVERRIDE, /* set driver_override to name, or clear it when name is empty */
	PLAN_UNBIND,   /* from name */
	PLAN_BIND,     /* to name */
	PLAN_PROBE,    /* to whatever driver the kernel finds */
};

struct plan_step {
	struct pci_address address;
	enum plan_action action;
	char name[HAND_OVERRIDE_SIZE];
};

struct plan {
	struct plan_step *steps; /* owned */
	size_t count;
};

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
