/* SPDX-License-Identifier: MIT */
/* The engine: opening a host, and finding devices and groups in it. */
#include "core/host.h"

#include "core/base/util.h"
#include "core/change/change.h"
#include "core/change/node_keeper.h"
#include "core/change/record_keeper.h"
#include "core/change/recover.h"
#include "core/engine.h"
#include "core/helper/blocked.h"
#include "core/pci/boot.h"
#include "core/pci/real.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

static int lock_state(struct host *host, const char *folder, struct core_error *err)
{
	host->state_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (host->state_fd < 0)
		return core_fail(err, CORE_INTERNAL,
			"cannot open the state folder %s: %s (the user vfiod runs as must own it, and may need x on every folder above)",
			folder, strerror(errno));
	if (flock(host->state_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return core_fail(err, CORE_INTERNAL,
		errno == EWOULDBLOCK
			? "another vfiod uses the state folder %s: stop it first, or give this one a --state of its own"
			: "cannot lock the state folder %s",
		folder);
}

static void host_cleanup(struct host **host)
{
	host_close(*host);
}

int host_open(const struct host_config *config, struct host **ret, struct core_error *err)
{
	CLEANUP(host_cleanup) struct host *host = calloc(1, sizeof(*host));
	struct boot boot;

	if (!host) {
		struct allowlist allow = config->allow;
		allowlist_clear(&allow);
		close(config->lock_fd);
		if (config->uevent_fd > 0)
			close(config->uevent_fd);
		return core_fail_memory(err);
	}
	host->sysfs = (struct sysfs)SYSFS_INIT;
	host->helper = config->helper;
	host->allow = config->allow;
	host->deny_force = config->deny_force;
	host->client = config->client;
	host->lock_fd = config->lock_fd;
	host->state_fd = -1;
	keylock_init(&host->groups);
	host->record_keeper =
		record_keeper_new(host, config->uevent_fd > 0 ? config->uevent_fd : -1);
	if (!host->record_keeper)
		return core_fail_memory(err);
	int error = config->sysfs ? sysfs_share(config->sysfs, &host->sysfs)
				  : sysfs_open(&host->sysfs, config->root);
	if (error)
		return core_fail(err, CORE_INTERNAL, "cannot open the root %s: %s", config->root,
			strerror(-error));
	if ((error = boot_read(&host->sysfs, &boot)))
		return core_fail(err, CORE_INTERNAL,
			"cannot read the host's boot id (%s/proc/sys/kernel/random/boot_id): %s; without it vfiod cannot tell what it bound from what was bound before a reboot",
			strcmp(config->root, "/") == 0 ? "" : config->root, strerror(-error));
	if (lock_state(host, config->state, err) ||
		devices_new(&host->sysfs, config->names, &host->devices, err) ||
		store_open(config->state, &boot, &host->store, err) ||
		origins_new(host->store, host->devices, &host->origins, err))
		return -1;
	host->blocked = blocked_new(host->lock_fd);
	host->pending = pending_new(host);
	host->keeper = node_keeper_new(host);
	if (!host->blocked || !host->pending || !host->keeper)
		return core_fail_memory(err);
	*ret = STEAL(host);
	return 0;
}

void host_close(struct host *host)
{
	if (!host)
		return;
	host_quiesce(host, INT64_MAX);
	pending_free(host->pending);
	node_keeper_free(host->keeper);
	record_keeper_free(host->record_keeper);
	blocked_free(host->blocked);
	origins_free(host->origins);
	store_close(host->store);
	devices_free(host->devices);
	sysfs_close(&host->sysfs);
	allowlist_clear(&host->allow);
	keylock_destroy(&host->groups);
	fd_cleanup(&host->lock_fd);
	fd_cleanup(&host->state_fd);
	free(host);
}

bool host_quiesce(struct host *host, int64_t deadline)
{
	/* In this order: the end of a change may have work for the keeper. */
	return (!host->pending || pending_stop(host->pending, deadline)) &&
	       (!host->record_keeper || record_keeper_stop(host->record_keeper, deadline)) &&
	       (!host->keeper || node_keeper_stop(host->keeper, deadline));
}

void host_tidy(struct host *host)
{
	store_tidy(host->store);
}

void host_listen(struct host *host, pending_listener *listener, void *arg)
{
	pending_listen(host->pending, listener, arg);
}

size_t host_pending(struct host *host)
{
	return pending_count(host->pending);
}

struct devices *host_devices(struct host *host)
{
	return host->devices;
}

const struct sysfs *host_sysfs(const struct host *host)
{
	return &host->sysfs;
}

bool host_origin(struct host *host, const struct device *device, struct device_origin *ret)
{
	return origins_find(host->origins, device, ret);
}

int host_find(struct host *host, const struct address_list *list, struct device ***ret,
	struct core_error *err)
{
	return devices_find(host->devices, list, ret, err);
}

int host_groups(struct host *host, struct device *const *devices, size_t n,
	struct iommu_group ***ret, size_t *ret_n, struct core_error *err)
{
	return groups_find(host->devices, &host->sysfs, devices, n, ret, ret_n, err);
}

int host_bind(struct host *host, const struct change_request *request, struct change_result *ret,
	struct core_error *err)
{
	return change_run(host, PLAN_TO_VFIO, request, ret, err);
}

int host_unbind(struct host *host, const struct change_request *request, struct change_result *ret,
	struct core_error *err)
{
	return change_run(host, PLAN_TO_ORIGIN, request, ret, err);
}

int host_recover(struct host *host, void (*report)(void *arg, const char *sentence), void *arg,
	struct core_error *err)
{
	return recover_run(host, report, arg, err) || record_keeper_start(host->record_keeper, err)
		       ? -1
		       : 0;
}

void host_group_path(const struct host *host, int32_t group, char *buf, size_t size)
{
	char noiommu[48];

	snprintf(noiommu, sizeof(noiommu), "dev/vfio/noiommu-%d", group);
	if (sysfs_exists(host->sysfs.root_fd, noiommu))
		snprintf(buf, size, "/%s", noiommu);
	else
		snprintf(buf, size, "/dev/vfio/%d", group);
}
