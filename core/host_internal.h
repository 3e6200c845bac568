/* SPDX-License-Identifier: MIT */
/* Inside of the engine. */
#pragma once

#include "core/host.h"
#include "core/keylock.h"
#include "core/usage.h"

struct host {
	struct sysfs sysfs;
	struct devices *devices;
	struct store *store;
	struct origins *origins;
	struct hand *hand;
	struct allowlist allow;
	struct keylock groups; /* held by changes: one per IOMMU group */
	int lock_fd;
	int state_fd; /* locked, so that no second daemon uses the folder */
};

/* The problems that several operations find, each in the words that spec/operations.md fixes. */
void problem_invalid_address(struct core_problems *problems, const char *text);
void problem_absent(struct core_problems *problems, struct pci_address address);
void problem_no_group(struct core_problems *problems, struct pci_address address);

/* What checks need to know beyond the device itself, gathered once for a request. */
struct check {
	struct host *host;
	const struct allowlist *allow; /* the request's; may be NULL */
	struct usage *usage;
	struct hand_reply holders;
	uint32_t force;
};

/* Gathers it for the devices: the host's disks and networks when one of them has a native driver,
 * VFIO users when one has a VFIO driver. */
int check_open(struct check *check, struct host *host, struct device *const *devices, size_t n,
	int64_t deadline, struct core_error *err);
void check_close(struct check *check);

/* Appends what keeps the device from being bound. */
void check_bind(
	const struct check *check, const struct device *device, struct core_problems *problems);

/* Appends what keeps the device from being handed to a new user: what keeps it from being bound,
 * and whoever uses it by VFIO now. */
void check_available(
	const struct check *check, const struct device *device, struct core_problems *problems);

/* Appends what keeps the device from being given back: a VFIO user, a write still under way. */
void check_unbind(
	const struct check *check, const struct device *device, struct core_problems *problems);

/* Runs a plan's steps, each verified by reading back. 0, or -1 with err; *ret_done then tells how
 * many were begun. */
int transaction_run(struct host *host, const struct plan *plan, int64_t deadline, size_t *ret_done,
	struct core_error *err);

/* Brings one device back to where it was, whatever it is on now; first waits a little for a write
 * to it that was given up. 0, or -1 with err. */
int transaction_restore(struct host *host, const struct device_origin *before, int64_t deadline,
	struct core_error *err);

/* Reads driver and driver_override as they are. */
int transaction_origin(struct host *host, const struct device *device, int64_t deadline,
	struct device_origin *ret, struct core_error *err);

/* Turns a hand_call that got no answer into an error. Returns -1. */
int transaction_no_answer(struct core_error *err, int rc, const char *doing);

/* Makes sure that the VFIO driver is there, loading its module where that is allowed. */
int vfio_driver_ready(
	struct host *host, const char *driver, int64_t deadline, struct core_error *err);
