/* SPDX-License-Identifier: MIT */
/*
 * The engine: one host, its devices, and what can be done to them.
 *
 * All functions may be called from any thread. Reads never wait for a device lock of the kernel.
 * host_check, host_bind and host_unbind call the privileged helper and may block until their
 * deadline, so they belong on a worker thread.
 */
#pragma once

#include "core/change/pending.h"
#include "core/change/request.h"
#include "core/helper/helper.h"
#include "core/inspect/state.h"
#include "core/plan/obstacle.h"
#include "core/record/records.h"

struct host;
struct names;

struct host_config {
	const char *root;	   /* "/" or a simulated host's folder */
	const struct sysfs *sysfs; /* the same, already open; NULL: host_open opens it */
	const char *state;	   /* folder of the database; it exists */
	int lock_fd;		   /* folder of the privileged helper's locks; owned by the host */
	int uevent_fd;		   /* by uevents_open; owned by the host; 0 or less: none */
	struct helper *helper;	   /* not owned; outlives the host */
	struct names *names;	   /* likewise; NULL: host_open reads pci.ids itself */
	struct allowlist allow;	   /* what the server lets through; owned by the host */
	uint32_t deny_force;	   /* guards that it lets nobody pass: bit 1u << reason */
	struct helper_client client; /* who must not get a node: this process */
};

/* Locks the state folder, so that no second daemon can use it, and opens the database. Takes over
 * lock_fd, uevent_fd and allow, even when it fails. 0, or -1 with err. */
int host_open(const struct host_config *config, struct host **ret, struct core_error *err);
void host_close(struct host *host);

/* Rolls back every change that a crash interrupted, and ends the records that no longer hold. To be
 * called before any change is made. report
 * is called with a sentence for each device that was brought back or could not be. 0, or -1 with
 * err when the store fails. */
int host_recover(struct host *host, void (*report)(void *arg, const char *sentence), void *arg,
	struct core_error *err);

/* Sets who is told when a blocked write has returned, and with what result. The listener is called
 * on a thread of the engine. To be called while there is one thread; NULL for nobody. */
void host_listen(struct host *host, pending_listener *listener, void *arg);

/* How many changes wait for a blocked write. From any thread. */
size_t host_pending(struct host *host);

/* Ends the engine's own threads. False when one still waits for a write at the deadline
 * (CLOCK_MONOTONIC, ns). The host must not be closed then; the change is on disk. host_close does
 * the same without a deadline. */
bool host_quiesce(struct host *host, int64_t deadline);

/* The cache of devices, owned by the host. */
struct devices *host_devices(struct host *host);

/* The files below the root, owned by the host. */
const struct sysfs *host_sysfs(const struct host *host);

/* The record of a device that vfiod bound, while that binding lasts or the device is driverless
 * since. False when there is none. */
bool host_origin(struct host *host, const struct device *device, struct device_origin *ret);

/* The devices, one reference each, in the order of the list. CORE_NOT_FOUND with a problem for each
 * that is absent. The caller frees with device_list_free. */
int host_find(struct host *host, const struct address_list *list, struct device ***ret,
	struct core_error *err);

/* The distinct IOMMU groups of the devices, in numeric order. CORE_PRECONDITION with a problem for
 * each device that has none. The caller frees with group_list_free. */
int host_groups(struct host *host, struct device *const *devices, size_t n,
	struct iommu_group ***ret, size_t *ret_n, struct core_error *err);

/* Why a group is not viable: one entry for each member that blocks it. */
struct group_blocker {
	int32_t group;
	const char *name, *driver; /* borrowed from the group */
	char reason[OBSTACLE_SIZE];
};

/* Says of each member that blocks one of the groups, in their order, why it does and what would
 * really help, also when a guard or the server's allowlist is in the way. Who has a device open is
 * not looked for. The caller frees the array. 0 or -ENOMEM. */
int host_blockers(struct host *host, struct iommu_group *const *groups, size_t n_groups,
	struct group_blocker **ret, size_t *ret_n);

/* Appends every problem of every device, in order (docs/operations.md, "Validate"). texts are the
 * addresses as the request has them. 0, or -1 with err when the check could not be made. */
int host_check(struct host *host, char *const *texts, size_t n, const struct allowlist *allow,
	int64_t deadline, struct core_problems *problems, struct core_error *err);

/* Writes the path of a group's node below /dev/vfio. */
void host_group_path(const struct host *host, int32_t group, char *buf, size_t size);

/* Moves the devices to their VFIO driver, all or none. */
int host_bind(struct host *host, const struct change_request *request, struct change_result *ret,
	struct core_error *err);

/* Moves the devices back to their original drivers, all or none. */
int host_unbind(struct host *host, const struct change_request *request, struct change_result *ret,
	struct core_error *err);

/* Keeps the store small. May wait for the disk, so it is to be called after the answer to a bind or
 * unbind has been sent. */
void host_tidy(struct host *host);
