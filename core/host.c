/* SPDX-License-Identifier: MIT */
/* The engine: opening a host, and finding devices and groups in it. */
#include "core/base/util.h"
#include "core/engine.h"

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
			"cannot open the state folder %s: %s (the user vfiod runs as must own it, "
			"and "
			"may need x on every folder above)",
			folder, strerror(errno));
	if (flock(host->state_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return core_fail(err, CORE_INTERNAL,
		errno == EWOULDBLOCK
			? "another vfiod uses the state folder %s: stop it first, or give "
			  "this one a --state of its own"
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

	if (!host) {
		struct allowlist allow = config->allow;
		allowlist_clear(&allow);
		close(config->lock_fd);
		return core_fail_memory(err);
	}
	host->sysfs = (struct sysfs)SYSFS_INIT;
	host->hand = config->hand;
	host->allow = config->allow;
	host->deny_force = config->deny_force;
	host->client = config->client;
	host->lock_fd = config->lock_fd;
	host->state_fd = -1;
	keylock_init(&host->groups);
	int error = config->sysfs ? sysfs_share(config->sysfs, &host->sysfs)
				  : sysfs_open(&host->sysfs, config->root);
	if (error)
		return core_fail(err, CORE_INTERNAL, "cannot open the root %s: %s", config->root,
			strerror(-error));
	if (lock_state(host, config->state, err) ||
		devices_new(&host->sysfs, config->names, &host->devices, err) ||
		store_open(config->state, &host->store, err) ||
		origins_new(host->store, &host->origins, err))
		return -1;
	host->pending = pending_new(host);
	host->keeper = node_keeper_new(host);
	if (!host->pending || !host->keeper)
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

uint64_t group_key(struct host *host, struct pci_address address)
{
	const uint64_t LONE = 1ull << 63;
	CLEANUP(device_cleanup) struct device *d = devices_get(host->devices, address);

	return d && d->group >= 0 ? (uint64_t)d->group : LONE | pci_address_key(address);
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

static bool list_has(const struct address_list *list, struct pci_address address)
{
	for (size_t i = 0; i < list->count; i++) {
		if (pci_address_equal(list->items[i], address))
			return true;
	}
	return false;
}

static void address_list_cleanup(struct address_list *list)
{
	address_list_clear(list);
}

int address_list_check_count(size_t n, struct core_error *err)
{
	if (n == 0)
		return core_fail(
			err, CORE_INVALID, "pci_addresses: at least one PCI address is required");
	if (n > HOST_MAX_ADDRESSES)
		return core_fail(err, CORE_INVALID,
			"pci_addresses: at most %d PCI addresses are accepted, got %zu",
			HOST_MAX_ADDRESSES, n);
	return 0;
}

int address_list_parse(
	char *const *texts, size_t n, struct address_list *ret, struct core_error *err)
{
	CLEANUP(address_list_cleanup) struct address_list list = {0};
	CLEANUP(core_problems_clear) struct core_problems problems = {0};
	struct pci_address address;

	if (address_list_check_count(n, err))
		return -1;
	if (!(list.items = calloc(n, sizeof(*list.items))))
		return core_fail_memory(err);
	for (size_t i = 0; i < n; i++) {
		if (!pci_address_parse(texts[i], &address))
			problem_invalid_address(&problems, texts[i]);
		else if (!list_has(&list, address))
			list.items[list.count++] = address;
	}
	if (core_problems_any(&problems))
		return core_fail_problems(err, &problems);
	*ret = list;
	list.items = NULL;
	return 0;
}

void address_list_clear(struct address_list *list)
{
	free(list->items);
	*list = (struct address_list){0};
}

void device_list_free(struct device **devices, size_t n)
{
	for (size_t i = 0; devices && i < n; i++)
		device_unref(devices[i]);
	free(devices);
}

int host_find(struct host *host, const struct address_list *list, struct device ***ret,
	struct core_error *err)
{
	CLEANUP(core_problems_clear) struct core_problems problems = {0};
	struct device **devices = calloc(list->count + 1, sizeof(*devices));

	if (!devices)
		return core_fail_memory(err);
	for (size_t i = 0; i < list->count; i++) {
		devices[i] = devices_get(host->devices, list->items[i]);
		if (!devices[i])
			problem_absent(&problems, list->items[i]);
	}
	if (core_problems_any(&problems)) {
		device_list_free(devices, list->count);
		return core_fail_problems(err, &problems);
	}
	*ret = devices;
	return 0;
}

static int int32_compare(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

/* The distinct group numbers, sorted; -1 with a problem for each device that has none. */
static int group_ids(struct device *const *devices, size_t n, int32_t *ids, size_t *ret_n,
	struct core_error *err)
{
	CLEANUP(core_problems_clear) struct core_problems problems = {0};
	size_t distinct = 0;

	for (size_t i = 0; i < n; i++) {
		ids[i] = devices[i]->group;
		if (ids[i] < 0)
			problem_no_group(&problems, devices[i]->address);
	}
	if (core_problems_any(&problems))
		return core_fail_problems(err, &problems);
	qsort(ids, n, sizeof(*ids), int32_compare);
	for (size_t i = 0; i < n; i++) {
		if (distinct == 0 || ids[distinct - 1] != ids[i])
			ids[distinct++] = ids[i];
	}
	*ret_n = distinct;
	return 0;
}

int host_groups(struct host *host, struct device *const *devices, size_t n,
	struct iommu_group ***ret, size_t *ret_n, struct core_error *err)
{
	CLEANUP(free_cleanup) int32_t *ids = calloc(n + 1, sizeof(*ids));
	struct iommu_group **groups = calloc(n + 1, sizeof(*groups));
	size_t n_groups = 0;
	int result = -1;

	if (!ids || !groups)
		core_fail_memory(err);
	else
		result = group_ids(devices, n, ids, &n_groups, err);
	for (size_t i = 0; result == 0 && i < n_groups; i++)
		result = group_get(host->devices, &host->sysfs, ids[i], &groups[i], err);
	if (result) {
		group_list_free(groups, n_groups);
		return -1;
	}
	*ret = groups;
	*ret_n = n_groups;
	return 0;
}

void group_list_free(struct iommu_group **groups, size_t n)
{
	for (size_t i = 0; groups && i < n; i++)
		group_free(groups[i]);
	free(groups);
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
