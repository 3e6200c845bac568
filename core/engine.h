/* SPDX-License-Identifier: MIT */
/* Inside of the engine. */
#pragma once

#include "core/base/keylock.h"
#include "core/change/node_keeper.h"
#include "core/change/pending.h"
#include "core/host.h"
#include "core/pci/interrupts.h"
#include "core/use/host_use.h"
#include "core/use/native_nodes.h"

struct host {
	struct sysfs sysfs;
	struct devices *devices;
	struct store *store;
	struct origins *origins;
	struct hand *hand;
	struct allowlist allow;
	uint32_t deny_force;
	struct hand_client client;
	struct keylock groups; /* held by changes: one per IOMMU group */
	struct pending *pending;
	struct node_keeper *keeper;
	int lock_fd;
	int state_fd; /* locked, so that no second daemon uses the folder */
};

/* What devices are bound to. */
#define VFIO_DRIVER "vfio-pci"

/* What a change to the device holds of host->groups: its IOMMU group's number, or a key of its own
 * for a device without one. */
uint64_t group_key(struct host *host, struct pci_address address);

/* The problems that several operations find (docs/operations.md, "Fixed texts"). */
void problem_invalid_address(struct core_problems *problems, const char *text);
void problem_absent(struct core_problems *problems, struct pci_address address);
void problem_no_group(struct core_problems *problems, struct pci_address address);

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

/* What became of the devices of a change that was to be undone, for its intent's end. */
struct undone {
	struct device_origin *left, *add; /* room for as many as there are */
	struct pci_address *drop;
	struct store_outcome outcome;
	bool is_blocked; /* a write of the undoing has not returned */
	bool is_final;	 /* what is stuck is not tried again */
};

enum undo_result {
	UNDO_DONE,
	UNDO_KEPT,    /* somebody uses the device: it stays where the change left it */
	UNDO_STUCK,   /* err says why; a record remembers where it belongs */
	UNDO_BLOCKED, /* a write has not returned */
};

/* Makes room for n devices. 0 or -ENOMEM. */
int undone_init(struct undone *undone, size_t n);
void undone_clear(struct undone *undone);

/* Brings one device back (transaction_restore), and adds to undone what that came to; err tells why
 * when it was not brought back. */
enum undo_result undone_restore(struct undone *undone, struct host *host,
	const struct device_origin *before, int64_t deadline, struct core_error *err);

/* The same for one of which a write is still under way: it is left. */
void undone_leave(struct undone *undone, const struct device_origin *before);

/* Reads driver and driver_override as they are. */
int transaction_origin(struct host *host, const struct device *device, int64_t deadline,
	struct device_origin *ret, struct core_error *err);

/* Turns a hand_call that got no answer into an error. Returns -1. */
int transaction_no_answer(struct core_error *err, int rc, const char *doing);

/* Makes sure that the VFIO driver is there, loading its module where that is allowed. */
int vfio_driver_ready(
	struct host *host, const char *driver, int64_t deadline, struct core_error *err);
