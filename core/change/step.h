/* SPDX-License-Identifier: MIT */
/* Runs the steps of a plan, each verified by reading back. */
#pragma once

#include "core/plan/plan.h"

struct host;

/* What is looked at on the way. Right before a device is taken from its driver, the request is
 * judged again by what is true then, and a refusal ends the transaction. Right before the device is
 * given to its VFIO driver, when it has no user, its use count goes into its record. */
struct transaction_guard {
	const struct plan_request *request; /* NULL: by who uses the device alone */
	struct device_origin *records;
	size_t n_records;
};

/* Runs a plan's steps, each verified by reading back. guard may be NULL. 0, or -1 with err;
 * *ret_done then tells how many were begun. CORE_DEADLINE: a write has not returned and goes on;
 * who is in its way is in err. */
int transaction_run(struct host *host, const struct plan *plan, int64_t deadline,
	const struct transaction_guard *guard, size_t *ret_done, struct core_error *err);

/* Waits until no write to the device is under way, until then (CLOCK_MONOTONIC) at most; most
 * writes that were given up end within milliseconds. Whether none is. */
bool transaction_settled(const struct host *host, struct pci_address address, int64_t until);

/* Brings one device back to where it was: from its VFIO driver, or to it. It is not taken from a
 * driver that another tool gave it to, nor, CORE_PRECONDITION with who that is, from one by which
 * it has come to be used. 0, or -1 with err. */
int transaction_restore(struct host *host, const struct device_origin *before, int64_t deadline,
	struct core_error *err);

/* Reads driver and driver_override as they are. */
int transaction_origin(struct host *host, const struct device *device, int64_t deadline,
	struct device_origin *ret, struct core_error *err);
