/* SPDX-License-Identifier: MIT */
/*
 * The engine: one host, its devices, and what can be done to them.
 *
 * Reads may be called from any thread and never block on a device lock of the kernel. host_check,
 * host_bind and host_unbind talk to the privileged helper and may block until their deadline: they
 * belong on a worker thread.
 */
#pragma once

#include "core/change/pending.h"
#include "core/change/request.h"
#include "core/helper/helper.h"
#include "core/inspect/state.h"
#include "core/record/records.h"

struct host;
struct names;

struct host_config {
	const char *root;	   /* "/" or a simulated host's folder */
	const struct sysfs *sysfs; /* the same, opened already; NULL: to be opened */
	const char *state;	   /* folder of the database; it exists */
	int lock_fd;		/* folder of the privileged helper's locks; the host's to close */
	struct helper *helper;	/* not owned; outlives the host */
	struct names *names;	/* likewise; NULL: host_open reads pci.ids itself */
	struct allowlist allow; /* what the server lets through; owned by the host */
	uint32_t deny_force;	/* guards that it lets nobody pass: bit 1u << reason */
	struct helper_client client; /* who must not get a node: this process */
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

/* How many changes wait for a write that was given up. From any thread. */
size_t host_pending(struct host *host);

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

/* The devices, one reference each, in the order of the list. CORE_NOT_FOUND with a problem for each
 * that is absent. The caller frees with device_list_free. */
int host_find(struct host *host, const struct address_list *list, struct device ***ret,
	struct core_error *err);

/* The distinct IOMMU groups of the devices, in numeric order. CORE_PRECONDITION with a problem for
 * each device that has none. The caller frees with group_list_free. */
int host_groups(struct host *host, struct device *const *devices, size_t n,
	struct iommu_group ***ret, size_t *ret_n, struct core_error *err);

/* Appends every problem of every device, in order (docs/operations.md, "Validate"). texts are the
 * request's, unparsed. -1 with err only when the check itself could not be made. */
int host_check(struct host *host, char *const *texts, size_t n, const struct allowlist *allow,
	int64_t deadline, struct core_problems *problems, struct core_error *err);

/* Writes the path of a group's node below /dev/vfio. */
void host_group_path(const struct host *host, int32_t group, char *buf, size_t size);

/* Moves the devices to their VFIO driver, all or none. */
int host_bind(struct host *host, const struct change_request *request, struct change_result *ret,
	struct core_error *err);

/* Gives the devices back to their original driver, all or none. */
int host_unbind(struct host *host, const struct change_request *request, struct change_result *ret,
	struct core_error *err);

/* What keeps the store small: to be called after the answer to a bind or unbind is out, for it may
 * wait for the disk. */
void host_tidy(struct host *host);
