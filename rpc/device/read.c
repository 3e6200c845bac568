/* SPDX-License-Identifier: MIT */
/* The operations that only read and never block. */
#include "rpc/device/read.h"

#include "core/base/util.h"
#include "rpc/device/answer.h"
#include "rpc/device/convert.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

void device_get_device_info(const struct device_env *env, struct rpc_call *call,
	const ProtobufCMessage *message, ProtobufCClosure done)
{
	const Vfio__V1__GetDeviceInfoRequest *request =
		(const Vfio__V1__GetDeviceInfoRequest *)message;
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(address_list_clear) struct address_list list = {0};
	const struct arena arena = {0};
	struct device_message answer;
	struct device **devices = NULL;

	if (!request->pci_address[0])
		core_fail(&err, CORE_INVALID, "pci_address: a PCI address is required");
	else if (address_list_parse(&request->pci_address, 1, &list, &err) == 0 &&
		 host_find(env->host, &list, &devices, &err) == 0)
		device_message_fill(env->host, devices[0], &answer);
	device_answer(call, done, &err, &arena, &answer.message.base);
	device_list_free(devices, list.count);
}

/* What the list lets through. */
struct filter {
	struct allowlist_entry id;
	uint32_t class;
	unsigned class_shift; /* bits of the class that are not compared */
	const char *driver;
	const char *group;
	bool has_after;
	struct pci_address after; /* only what follows it */
	size_t page_size;
};

static int parse_class(const char *text, struct filter *f, struct core_error *err)
{
	size_t n = strlen(text);
	bool ok = n == 2 || n == 4 || n == 6;

	f->class_shift = 24;
	if (n == 0)
		return 0;
	for (size_t i = 0; ok && i < n; i++)
		ok = isxdigit((unsigned char)text[i]);
	if (!ok)
		return core_fail(err, CORE_INVALID,
			"class: expected two, four or six hex digits, like 0300: got %.32s", text);
	f->class = (uint32_t)strtoul(text, NULL, 16);
	f->class_shift = 24 - 4 * (unsigned)n;
	return 0;
}

static int parse_filter(
	const Vfio__V1__ListDevicesRequest *request, struct filter *f, struct core_error *err)
{
	*f = (struct filter){.id = {-1, -1},
		.driver = request->driver,
		.group = request->iommu_group,
		.page_size = 1024};
	if (request->page_size < 0 || request->page_size > 10000)
		return core_fail(err, CORE_INVALID, "page_size: expected 1 to 10000, got %d",
			request->page_size);
	if (request->page_size > 0)
		f->page_size = (size_t)request->page_size;
	if (request->id[0] && !allowlist_entry_parse(request->id, &f->id))
		return core_fail(err, CORE_INVALID,
			"id: expected vendor:device, each side four hex digits or *: got %.32s",
			request->id);
	if (request->iommu_group[strspn(request->iommu_group, "0123456789")])
		return core_fail(err, CORE_INVALID, "iommu_group: expected a number: got %.32s",
			request->iommu_group);
	if (request->page_token[0] && !pci_address_parse(request->page_token, &f->after))
		return core_fail(err, CORE_INVALID,
			"page_token: not one that an earlier answer gave: %.32s",
			request->page_token);
	f->has_after = request->page_token[0];
	return parse_class(request->class_, f, err);
}

static bool lets_through(const struct filter *f, const struct device *d)
{
	return allowlist_entry_matches(f->id, d->vendor, d->device) &&
	       d->class >> f->class_shift == f->class &&
	       (!f->driver[0] || strcmp(f->driver, d->driver) == 0) &&
	       (!f->group[0] || (d->group >= 0 && strtol(f->group, NULL, 10) == d->group));
}

/* The devices of one page, each a reference; *ret_more when others follow. */
static int collect_page(struct host *host, const struct filter *f, struct device ***ret,
	size_t *ret_n, bool *ret_more, struct core_error *err)
{
	CLEANUP(free_cleanup) struct pci_address *addresses = NULL;
	size_t n_addresses, n = 0;
	int error = devices_list(host_devices(host), &addresses, &n_addresses);

	if (error)
		return core_fail(err, CORE_INTERNAL, "cannot list /sys/bus/pci/devices: %s",
			strerror(-error));
	struct device **devices = calloc(f->page_size + 1, sizeof(struct device *));
	if (!devices)
		return core_fail_memory(err);
	for (size_t i = 0; i < n_addresses && n <= f->page_size; i++) {
		if (f->has_after && pci_address_compare(&addresses[i], &f->after) <= 0)
			continue;
		struct device *d = devices_get_or_null(host_devices(host), addresses[i]);
		if (d && lets_through(f, d))
			devices[n++] = d;
		else
			device_unref(d); /* left meanwhile, or not wanted */
	}
	*ret_more = n > f->page_size;
	*ret = devices;
	*ret_n = n;
	return 0;
}

static void fill_page(struct host *host, struct arena *arena, struct device **devices, size_t n,
	Vfio__V1__ListDevicesResponse *response)
{
	struct device_message *messages = arena_array(arena, n, sizeof(*messages));

	response->devices = arena_array(arena, n, sizeof(*response->devices));
	for (size_t i = 0; i < n && !arena->failed; i++) {
		device_message_fill(host, devices[i], &messages[i]);
		response->devices[response->n_devices++] = &messages[i].message;
	}
}

void device_list_devices(const struct device_env *env, struct rpc_call *call,
	const ProtobufCMessage *message, ProtobufCClosure done)
{
	Vfio__V1__ListDevicesResponse response = VFIO__V1__LIST_DEVICES_RESPONSE__INIT;
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(arena_clear) struct arena arena = {0};
	struct device **devices = NULL;
	struct filter filter;
	bool more = false;
	size_t n = 0;

	if (parse_filter((const Vfio__V1__ListDevicesRequest *)message, &filter, &err) == 0 &&
		collect_page(env->host, &filter, &devices, &n, &more, &err) == 0) {
		size_t shown = more ? n - 1 : n;
		fill_page(env->host, &arena, devices, shown, &response);
		if (more)
			response.next_page_token = devices[shown - 1]->text;
	}
	device_answer(call, done, &err, &arena, &response.base);
	device_list_free(devices, n);
}

void device_check_iommu_groups(const struct device_env *env, struct rpc_call *call,
	const ProtobufCMessage *message, ProtobufCClosure done)
{
	const Vfio__V1__CheckIommuGroupsRequest *request =
		(const Vfio__V1__CheckIommuGroupsRequest *)message;
	Vfio__V1__CheckIommuGroupsResponse response = VFIO__V1__CHECK_IOMMU_GROUPS_RESPONSE__INIT;
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(address_list_clear) struct address_list list = {0};
	CLEANUP(arena_clear) struct arena arena = {0};
	struct iommu_group **groups = NULL;
	struct device **devices = NULL;
	size_t n = 0;

	if (address_list_parse(request->pci_addresses, request->n_pci_addresses, &list, &err) ==
			0 &&
		host_find(env->host, &list, &devices, &err) == 0 &&
		host_groups(env->host, devices, list.count, &groups, &n, &err) == 0) {
		response.groups = device_convert_groups(env->host, &arena, groups, n);
		response.n_groups = response.groups ? n : 0;
	}
	device_answer(call, done, &err, &arena, &response.base);
	group_list_free(groups, n);
	device_list_free(devices, list.count);
}

/* Refuses devices that are on no VFIO driver (docs/operations.md, "Fixed texts"). */
static int require_vfio(
	struct host *host, struct device *const *devices, size_t n, struct core_error *err)
{
	CLEANUP(core_problems_clear) struct core_problems problems = {0};
	static const char action[] = "bind it first";

	for (size_t i = 0; i < n; i++) {
		const struct device *d = devices[i];

		if (device_is_vfio(host_devices(host), d))
			continue;
		if (d->driver[0])
			core_problem_add_device(&problems, d->address, REASON_NOT_BOUND_TO_VFIO,
				action, "device %s is not bound to vfio-pci (current driver: %s)",
				d->text, d->driver);
		else
			core_problem_add_device(&problems, d->address, REASON_NOT_BOUND_TO_VFIO,
				action, "device %s has no driver bound", d->text);
	}
	return core_problems_any(&problems) ? core_fail_problems(err, &problems) : 0;
}

static void add_group_path(Vfio__V1__GetGroupPathsResponse *response, char *path)
{
	for (size_t i = 0; i < response->n_group_paths; i++) {
		if (strcmp(response->group_paths[i], path) == 0)
			return;
	}
	response->group_paths[response->n_group_paths++] = path;
}

static void fill_paths(struct host *host, struct arena *arena, struct device *const *devices,
	size_t n, Vfio__V1__GetGroupPathsResponse *response)
{
	Vfio__V1__DevicePaths *items = arena_array(arena, n, sizeof(*items));

	response->group_paths = arena_array(arena, n, sizeof(*response->group_paths));
	response->devices = arena_array(arena, n, sizeof(*response->devices));
	for (size_t i = 0; i < n && !arena->failed; i++) {
		char path[64], name[32], node[64];

		host_group_path(host, devices[i]->group, path, sizeof(path));
		device_vfio_name(host_devices(host), devices[i], name, sizeof(name));
		snprintf(node, sizeof(node), "dev/vfio/devices/%s", name);
		bool has_node = name[0] && sysfs_exists(host_sysfs(host)->root_fd, node);
		vfio__v1__device_paths__init(&items[i]);
		items[i].address = devices[i]->text;
		items[i].group_path = arena_printf(arena, "%s", path);
		items[i].sysfs_path =
			arena_printf(arena, "/sys/bus/pci/devices/%s", devices[i]->text);
		items[i].device_path = has_node ? arena_printf(arena, "/%s", node) : (char *)"";
		response->devices[response->n_devices++] = &items[i];
		add_group_path(response, items[i].group_path);
	}
}

void device_get_group_paths(const struct device_env *env, struct rpc_call *call,
	const ProtobufCMessage *message, ProtobufCClosure done)
{
	const Vfio__V1__GetGroupPathsRequest *request =
		(const Vfio__V1__GetGroupPathsRequest *)message;
	Vfio__V1__GetGroupPathsResponse response = VFIO__V1__GET_GROUP_PATHS_RESPONSE__INIT;
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(address_list_clear) struct address_list list = {0};
	CLEANUP(arena_clear) struct arena arena = {0};
	struct device **devices = NULL;

	if (address_list_parse(request->pci_addresses, request->n_pci_addresses, &list, &err) ==
			0 &&
		host_find(env->host, &list, &devices, &err) == 0 &&
		require_vfio(env->host, devices, list.count, &err) == 0)
		fill_paths(env->host, &arena, devices, list.count, &response);
	device_answer(call, done, &err, &arena, &response.base);
	device_list_free(devices, list.count);
}
