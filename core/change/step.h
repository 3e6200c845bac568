/* SPDX-License-Identifier: MIT */
/* Runs the steps of a plan, each verified by reading back. */
#pragma once

#include "core/plan/plan.h"
#include "core/record/intent.h"

struct host;

/* What is checked between the steps. Right before a device is unbound, the request is judged again
 * by the facts of that moment; a refusal ends the run. Right before the device is bound to its VFIO
 * driver, while nobody uses it, its use count is written into the intent; right after it, the
 * binding. */
struct step_guard {
	const struct plan_request *request;
	struct intent *intent;
	bool shows; /* each device shows as UNBIND_PENDING from its first step on, until
		     * blocked_end */
};

/* Runs the steps of a plan and verifies each by reading back. guard may be NULL. 0, or -1 with err;
 * *ret_done then is the number of steps that were begun. CORE_DEADLINE: a write has not returned
 * and goes on; err names who keeps it from returning. */
int step_run(struct host *host, const struct plan *plan, int64_t deadline,
	const struct step_guard *guard, size_t *ret_done, struct core_error *err);

/* Waits until no write to the device is under way, at most until the given time (CLOCK_MONOTONIC,
 * ns). Most writes that were given up return within milliseconds. True when none is under way. */
bool step_settled(const struct host *host, struct pci_address address, int64_t until);

/* Checks that nobody uses the device, right before a rollback takes it from its driver. 0, or -1
 * with err, which names the user. */
int step_check_users(
	struct host *host, struct pci_address address, int64_t deadline, struct core_error *err);

/* The binding of the device as a record keeps it: link 0 unless a VFIO driver has it. All 0 when it
 * cannot be looked at. Never blocks. */
struct device_inodes step_binding(struct host *host, struct pci_address address);

/* Reads the driver and the driver_override that the device has now. 0, or -1 with err. */
int step_read_origin(struct host *host, const struct device *device, int64_t deadline,
	struct device_origin *ret, struct core_error *err);
