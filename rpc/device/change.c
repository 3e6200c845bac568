/* SPDX-License-Identifier: MIT */
/* Operations that change devices: bind and unbind. */
#include "rpc/device/change.h"

#include "core/util.h"
#include "rpc/device/access.h"
#include "rpc/device/answer.h"
#include "rpc/device/convert.h"

#include <string.h>

static char BOUND[] = "Devices successfully bound to vfio-pci driver";
static char UNBOUND[] = "Devices successfully unbound from vfio-pci driver";
static char BOUND_EVENT[] = "device.bound", UNBOUND_EVENT[] = "device.unbound";
static char DRY_RUN[] = "Nothing was changed: this is what would be done";

static int parse_force(char *const *names, size_t n, uint32_t *ret, struct core_error *err)
{
	uint32_t force = 0;

	for (size_t i = 0; i < n; i++) {
		enum core_reason reason = core_reason_parse(names[i]);
		if (reason == REASON_COUNT || !plan_may_name(reason))
			return core_fail(err, CORE_INVALID,
				"force[%zu]: %.32s is no guard that can be forced (those are %s)",
				i, names[i], plan_forceable());
		force |= 1u << reason;
	}
	*ret = force;
	return 0;
}

/* The request's own devices, by their canonical addresses. */
static char **requested(struct arena *arena, const struct change_result *result, size_t *ret_n)
{
	char **list = arena_array(arena, result->n_devices, sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; list && i < result->n_devices; i++) {
		if (result->devices[i].requested)
			list[n++] = result->devices[i].device->text;
	}
	*ret_n = n;
	return list;
}

static bool was_changed(const struct change_result *result, struct pci_address address)
{
	for (size_t i = 0; i < result->plan.count; i++) {
		if (pci_address_equal(result->plan.steps[i].address, address))
			return true;
	}
	return false;
}

static char PENDING_EVENT[] = "device.pending";

/* Says of each device whose write was given up that it is pending. */
static void publish_pending(const struct device_env *env, const struct core_error *err)
{
	for (size_t i = 0; env->publish && i < err->problems.count; i++) {
		Vfio__V1__Event event = VFIO__V1__EVENT__INIT;

		if (err->code != CORE_DEADLINE ||
			err->problems.items[i].reason != REASON_UNBIND_PENDING)
			continue;
		event.type = PENDING_EVENT;
		event.pci_address = (char *)err->problems.items[i].subject;
		event.state = VFIO__V1__DEVICE__STATE__UNBIND_PENDING;
		env->publish(env->publish_arg, &event);
	}
}

static void publish(const struct device_env *env, const struct change_result *result, char *type)
{
	for (size_t i = 0; env->publish && i < result->n_devices; i++) {
		struct change_device *d = &result->devices[i];
		Vfio__V1__Event event = VFIO__V1__EVENT__INIT;

		if (!was_changed(result, d->device->address))
			continue;
		event.type = type;
		event.pci_address = d->device->text;
		event.driver = d->driver;
		event.original_driver = d->original_driver;
		event.state = device_convert_state(device_state(env->host, d->device));
		env->publish(env->publish_arg, &event);
	}
}

/* Bind and unbind have messages of different types with the same fields. */
#define OPTIONS_OF(request, call)                                                                  \
	{                                                                                          \
		.whole_group = (request)->whole_group, .all_functions = (request)->all_functions,  \
		.dry_run = (request)->dry_run, .deadline = device_work_deadline(call)              \
	}

#define FILL_CHANGES(response, arena, result, dry_run)                                             \
	do {                                                                                       \
		(response)->success = true;                                                        \
		(response)->devices = device_convert_changes(arena, result);                       \
		(response)->n_devices = (response)->devices ? (result)->n_devices : 0;             \
		if (dry_run)                                                                       \
			(response)->steps = device_convert_plan(arena, &(result)->plan);           \
		(response)->n_steps = (response)->steps ? (result)->plan.count : 0;                \
	} while (0)

void device_bind_devices(const struct device_env *env, struct rpc_call *call,
	const ProtobufCMessage *message, ProtobufCClosure done)
{
	const Vfio__V1__BindDevicesRequest *request = (const Vfio__V1__BindDevicesRequest *)message;
	Vfio__V1__BindDevicesResponse response = VFIO__V1__BIND_DEVICES_RESPONSE__INIT;
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(change_result_clear) struct change_result result = {0};
	CLEANUP(arena_clear) struct arena arena = {0};
	struct change_request change = OPTIONS_OF(request, call);

	if (address_list_parse(request->pci_addresses, request->n_pci_addresses, &change.addresses,
		    &err) == 0 &&
		parse_force(request->force, request->n_force, &change.force, &err) == 0 &&
		device_parse_access(
			request->node_owner, request->node_mode, &change.access, &err) == 0 &&
		host_bind(env->host, &change, &result, &err) == 0) {
		response.message = change.dry_run ? DRY_RUN : BOUND;
		response.bound_devices = requested(&arena, &result, &response.n_bound_devices);
		FILL_CHANGES(&response, &arena, &result, change.dry_run);
		response.groups = device_convert_groups(&arena, result.groups, result.n_groups);
		response.n_groups = response.groups ? result.n_groups : 0;
		if (!change.dry_run)
			publish(env, &result, BOUND_EVENT);
	}
	publish_pending(env, &err);
	device_answer(call, done, &err, &arena, &response.base);
	host_tidy(env->host);
	address_list_clear(&change.addresses);
}

void device_unbind_devices(const struct device_env *env, struct rpc_call *call,
	const ProtobufCMessage *message, ProtobufCClosure done)
{
	const Vfio__V1__UnbindDevicesRequest *request =
		(const Vfio__V1__UnbindDevicesRequest *)message;
	Vfio__V1__UnbindDevicesResponse response = VFIO__V1__UNBIND_DEVICES_RESPONSE__INIT;
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(change_result_clear) struct change_result result = {0};
	CLEANUP(arena_clear) struct arena arena = {0};
	struct change_request change = OPTIONS_OF(request, call);

	change.leave_driverless = request->leave_driverless;
	if (address_list_parse(request->pci_addresses, request->n_pci_addresses, &change.addresses,
		    &err) == 0 &&
		parse_force(request->force, request->n_force, &change.force, &err) == 0 &&
		host_unbind(env->host, &change, &result, &err) == 0) {
		response.message = change.dry_run ? DRY_RUN : UNBOUND;
		response.unbound_devices = requested(&arena, &result, &response.n_unbound_devices);
		FILL_CHANGES(&response, &arena, &result, change.dry_run);
		if (!change.dry_run)
			publish(env, &result, UNBOUND_EVENT);
	}
	publish_pending(env, &err);
	device_answer(call, done, &err, &arena, &response.base);
	host_tidy(env->host);
	address_list_clear(&change.addresses);
}
