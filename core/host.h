/* SPDX-License-Identifier: MIT */
/*
 * The engine: one host, its devices, and what can be done to them.
 *
 * Reads may be called from any thread and never block on a device lock of the kernel. host_check,
 * host_bind and host_unbind talk to the hand and may block until their deadline: they belong on a
 * worker thread.
 */
#pragma once

#include "core/change/pending.h"
#include "core/helper/helper.h"
#include "core/inspect/state.h"
#include "core/pci/allowlist.h"
#include "core/pci/group.h"
#include "core/plan/plan.h"
#include "core/record/records.h"

/* In one request, before repeats are dropped (docs/operations.md, "pci_addresses"). */
enum { HOST_MAX_ADDRESSES = 1024 };

struct host;
struct names;

struct host_config {
	const char *root;	   /* "/" or a simulated host's folder */
	const struct sysfs *sysfs; /* the same, opened already; NULL: to be opened */
	const char *state;	   /* folder of the database; it exists */
	int lock_fd;		   /* folder of the hand's locks; the host's to close */
	struct hand *hand;	   /* not owned; outlives the host */
	struct names *names;	   /* likewise; NULL: host_open reads pci.ids itself */
	struct allowlist allow;	   /* what the server lets through; owned by the host */
	uint32_t deny_force;	   /* guards that it lets nobody pass: bit 1u << reason */
	struct hand_client client; /* who must not get a node: this process */
};

/* Opens the host: takes the state folder's lock (a second daemon on it is refused), then the
 * database. lock_fd and allow are taken over, also on failure. */
int host_open(const struct host_config *config, struct host **ret, struct core_error *err);
void host_close(struct host *host);

/* Undoes every change that was cut off, as the daemon's first act. report gets one sentence for
 * each device brought back, or that could not be. 0, or -1 when the store fails. */
int host_recover(struct host *host, void (*report)(void *arg, const char *sentence), void *arg,
	struct core_error *err);

/* Who is told when a write that was given up has returned, and what came of it; from a thread of
 * the engine. To be set before there are several threads; NULL for nobody. */
void host_listen(struct host *host, pending_listener *listener, void *arg);

/* Ends the engine's own threads, as host_close does without a limit. False when one waits for a
 * write that has not returned by deadline (CLOCK_MONOTONIC): the host must not be closed then, and
 * what it was about is on disk. */
bool host_quiesce(struct host *host, int64_t deadline);

/* The cache of devices; the host's. */
struct devices *host_devices(struct host *host);

/* The files below the root; the host's. */
const struct sysfs *host_sysfs(const struct host *host);

/* The record of a device that vfiod bound. False when there is none. */
bool host_origin(struct host *host, const struct device *device, struct device_origin *ret);

/* Addresses of one request, repeats dropped. */
struct address_list {
	struct pci_address *items; /* owned */
	size_t count;
};

/* CORE_INVALID when a request names no address or more than HOST_MAX_ADDRESSES. */
int address_list_check_count(size_t n, struct core_error *err);

/* Parses the addresses of a request. CORE_INVALID when there is none, there are more than
 * HOST_MAX_ADDRESSES, or some are malformed (each then a problem). */
int address_list_parse(
	char *const *texts, size_t n, struct address_list *ret, struct core_error *err);
void address_list_clear(struct address_list *list);

/* The devices, one reference each, in the order of the list. CORE_NOT_FOUND with a problem for each
 * that is absent. The caller frees with device_list_free. */
int host_find(struct host *host, const struct address_list *list, struct device ***ret,
	struct core_error *err);
void device_list_free(struct device **devices, size_t n);

/* The distinct IOMMU groups of the devices, in numeric order. CORE_PRECONDITION with a problem for
 * each device that has none. The caller frees with group_list_free. */
int host_groups(struct host *host, struct device *const *devices, size_t n,
	struct iommu_group ***ret, size_t *ret_n, struct core_error *err);
void group_list_free(struct iommu_group **groups, size_t n);

/* Appends every problem of every device, in order (docs/operations.md, "Validate"). texts are the
 * request's, unparsed. -1 with err only when the check itself could not be made. */
int host_check(struct host *host, char *const *texts, size_t n, const struct allowlist *allow,
	int64_t deadline, struct core_problems *problems, struct core_error *err);

/* Writes the path of a group's node below /dev/vfio. */
void host_group_path(const struct host *host, int32_t group, char *buf, size_t size);

struct change_request {
	struct address_list addresses;
	bool whole_group;   /* every endpoint of the devices' groups too */
	bool all_functions; /* every endpoint function of the devices' cards too */
	bool dry_run;
	bool leave_driverless;	   /* unbind: give to no driver */
	struct node_access access; /* bind: owner and mode of the VFIO nodes */
	uint32_t force;		   /* guards to pass: bit 1u << reason */
	int64_t deadline;	   /* CLOCK_MONOTONIC, ns */
};

/* A device after the change (before it, in a dry run). */
struct change_device {
	struct device *device;
	bool requested; /* not added by an option */
	char original_driver[DRIVER_NAME_SIZE];
	char driver[DRIVER_NAME_SIZE]; /* in place, or planned in a dry run; "" for none */
};

struct change_result {
	struct change_device *devices; /* the request's first, in its order */
	size_t n_devices;
	struct plan plan; /* the writes made, or that would be */
	struct iommu_group **groups;
	size_t n_groups;
};

/* Moves the devices to their VFIO driver, all or none. */
int host_bind(struct host *host, const struct change_request *request, struct change_result *ret,
	struct core_error *err);

/* Gives the devices back to their original driver, all or none. */
int host_unbind(struct host *host, const struct change_request *request, struct change_result *ret,
	struct core_error *err);

/* What keeps the store small: to be called after the answer to a bind or unbind is out, for it may
 * wait for the disk. */
void host_tidy(struct host *host);

void change_result_clear(struct change_result *result);
