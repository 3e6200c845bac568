/* SPDX-License-Identifier: MIT */
/* Runs the steps of a plan, each verified by reading back. */
#pragma once

#include "core/plan/plan.h"

struct host;

/* What is checked between the steps. Right before a device is unbound, the request is judged again
 * by the facts of that moment; a refusal ends the run. Right before the device is bound to its VFIO
 * driver, while nobody uses it, its use count is written into its record. */
struct transaction_guard {
	const struct plan_request *request; /* NULL: by who uses the device alone */
	struct device_origin *records;
	size_t n_records;
};

/* Runs the steps of a plan and verifies each by reading back. guard may be NULL. 0, or -1 with err;
 * *ret_done then is the number of steps that were begun. CORE_DEADLINE: a write has not returned
 * and goes on; err names who keeps it from returning. */
int transaction_run(struct host *host, const struct plan *plan, int64_t deadline,
	const struct transaction_guard *guard, size_t *ret_done, struct core_error *err);

/* Waits until no write to the device is under way, at most until the given time (CLOCK_MONOTONIC,
 * ns). Most writes that were given up return within milliseconds. True when none is under way. */
bool transaction_settled(const struct host *host, struct pci_address address, int64_t until);

/* Brings one device back to where it was: from its VFIO driver, or to it. A device that another
 * tool has given to another driver stays there. So does one that is used by now: CORE_PRECONDITION,
 * and err names the user. 0, or -1 with err. */
int transaction_restore(struct host *host, const struct device_origin *before, int64_t deadline,
	struct core_error *err);

/* Reads the driver and the driver_override that the device has now. 0, or -1 with err. */
int transaction_origin(struct host *host, const struct device *device, int64_t deadline,
	struct device_origin *ret, struct core_error *err);
