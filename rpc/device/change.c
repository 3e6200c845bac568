/* SPDX-License-Identifier: MIT */
/* The operations that change devices: bind and unbind. */
#include "rpc/device/change.h"

#include "core/base/util.h"
#include "core/notes.h"
#include "rpc/device/access.h"
#include "rpc/device/answer.h"
#include "rpc/device/convert.h"

#include <string.h>

enum change_kind { CHANGE_KIND_BIND, CHANGE_KIND_UNBIND };

/* The fields of a request to bind or to unbind: their messages have different types with much the
 * same fields. All borrowed from the message. */
struct change_fields {
	char *const *addresses;
	size_t n_addresses;
	char *const *force;
	size_t n_force;
	bool whole_group, all_functions, dry_run;
	bool leave_driverless;		    /* unbind */
	const char *node_owner, *node_mode; /* bind; else "" */
};

/* protobuf-c takes strings that are not const, and leaves them alone. */
static char BOUND[] = "Devices successfully bound to vfio-pci driver";
static char UNBOUND[] = "Devices successfully unbound from vfio-pci driver";
static char DRY_RUN[] = "Nothing was changed: this is what would be done";
static char BOUND_EVENT[] = "device.bound", UNBOUND_EVENT[] = "device.unbound";
static char PENDING_EVENT[] = "device.pending";

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
static char **requested_addresses(
	struct arena *arena, const struct change_result *result, size_t *ret_n)
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

static bool was_probed(const struct change_result *result, struct pci_address address)
{
	for (size_t i = 0; i < result->plan.count; i++) {
		const struct plan_step *step = &result->plan.steps[i];

		if (step->action == PLAN_PROBE && pci_address_equal(step->address, address))
			return true;
	}
	return false;
}

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

static void publish_changed(
	const struct device_env *env, const struct change_result *result, char *type)
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

static int parse_fields(const struct change_fields *fields, const struct rpc_call *call,
	struct change_request *ret, struct core_error *err)
{
	*ret = (struct change_request){
		.whole_group = fields->whole_group,
		.all_functions = fields->all_functions,
		.dry_run = fields->dry_run,
		.leave_driverless = fields->leave_driverless,
		.deadline = device_work_deadline(call),
	};
	if (address_list_parse(fields->addresses, fields->n_addresses, &ret->addresses, err) ||
		parse_force(fields->force, fields->n_force, &ret->force, err))
		return -1;
	return device_parse_access(fields->node_owner, fields->node_mode, &ret->access, err);
}

/* The answer is as true without them. */
static void fill_notes(struct host *host, struct arena *arena, const struct change_request *request,
	const struct change_result *result, Vfio__V1__BindDevicesResponse *m)
{
	CLEANUP(notes_clear) struct notes notes = {0};

	host_bind_notes(host, request, result, &notes);
	m->notes = arena_array(arena, notes.count, sizeof(*m->notes));
	for (size_t i = 0; m->notes && i < notes.count; i++)
		m->notes[m->n_notes++] = arena_printf(arena, "%s", notes.items[i].text);
}

static void fill_answer(struct host *host, struct arena *arena, const struct change_result *result,
	bool dry_run, Vfio__V1__BindDevicesResponse *m)
{
	m->success = true;
	m->bound_devices = requested_addresses(arena, result, &m->n_bound_devices);
	m->devices = device_convert_changes(arena, result);
	m->n_devices = m->devices ? result->n_devices : 0;
	if (dry_run)
		m->steps = device_convert_plan(arena, &result->plan);
	m->n_steps = m->steps ? result->plan.count : 0;
	m->groups = device_convert_groups(host, arena, result->groups, result->n_groups);
	m->n_groups = m->groups ? result->n_groups : 0;
}

/* The answer to an unbind says the same as that to a bind, without the groups. */
static void fill_unbound(
	const Vfio__V1__BindDevicesResponse *bound, Vfio__V1__UnbindDevicesResponse *m)
{
	m->success = bound->success;
	m->message = bound->message;
	m->unbound_devices = bound->bound_devices;
	m->n_unbound_devices = bound->n_bound_devices;
	m->devices = bound->devices;
	m->n_devices = bound->n_devices;
	m->steps = bound->steps;
	m->n_steps = bound->n_steps;
}

/* The devices that the kernel was asked to find a driver for, and that none took; NULL: there is
 * none. */
static char *list_untaken(struct arena *arena, const struct change_result *result)
{
	char *list = NULL;

	for (size_t i = 0; i < result->n_devices; i++) {
		const struct change_device *d = &result->devices[i];

		if (d->driver[0] || !was_probed(result, d->device->address))
			continue;
		list = list ? arena_printf(arena, "%s, %s", list, d->device->text)
			    : d->device->text;
	}
	return list;
}

static char *unbound_message(struct arena *arena, const struct change_result *result)
{
	const char *untaken = list_untaken(arena, result);
	char *message =
		!untaken
			? NULL
			: arena_printf(arena,
				  "%s; no driver took %s: load the module of the native driver (modprobe)",
				  UNBOUND, untaken);

	return message ? message : UNBOUND;
}

static void answer_change(const struct device_env *env, struct rpc_call *call,
	ProtobufCClosure done, enum change_kind kind, const struct change_request *request,
	const struct change_result *result, const struct core_error *err)
{
	Vfio__V1__BindDevicesResponse bound = VFIO__V1__BIND_DEVICES_RESPONSE__INIT;
	Vfio__V1__UnbindDevicesResponse unbound = VFIO__V1__UNBIND_DEVICES_RESPONSE__INIT;
	bool binds = kind == CHANGE_KIND_BIND;
	CLEANUP(arena_clear) struct arena arena = {0};

	if (err->code == CORE_OK) {
		bound.message = binds ? BOUND : unbound_message(&arena, result);
		if (request->dry_run)
			bound.message = DRY_RUN;
		fill_answer(env->host, &arena, result, request->dry_run, &bound);
		if (binds)
			fill_notes(env->host, &arena, request, result, &bound);
		fill_unbound(&bound, &unbound);
	}
	device_answer(call, done, err, &arena, binds ? &bound.base : &unbound.base);
}

static void change_devices(const struct device_env *env, struct rpc_call *call,
	enum change_kind kind, const struct change_fields *fields, ProtobufCClosure done)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(change_result_clear) struct change_result result = {0};
	struct change_request request;
	bool binds = kind == CHANGE_KIND_BIND;

	if (parse_fields(fields, call, &request, &err) == 0 &&
		(binds ? host_bind(env->host, &request, &result, &err)
		       : host_unbind(env->host, &request, &result, &err)) == 0 &&
		!request.dry_run)
		publish_changed(env, &result, binds ? BOUND_EVENT : UNBOUND_EVENT);
	publish_pending(env, &err);
	answer_change(env, call, done, kind, &request, &result, &err);
	host_tidy(env->host);
	address_list_clear(&request.addresses);
}

void device_bind_devices(const struct device_env *env, struct rpc_call *call,
	const ProtobufCMessage *message, ProtobufCClosure done)
{
	const Vfio__V1__BindDevicesRequest *m = (const Vfio__V1__BindDevicesRequest *)message;
	const struct change_fields fields = {
		.addresses = m->pci_addresses,
		.n_addresses = m->n_pci_addresses,
		.force = m->force,
		.n_force = m->n_force,
		.whole_group = m->whole_group,
		.all_functions = m->all_functions,
		.dry_run = m->dry_run,
		.node_owner = m->node_owner,
		.node_mode = m->node_mode,
	};

	change_devices(env, call, CHANGE_KIND_BIND, &fields, done);
}

void device_unbind_devices(const struct device_env *env, struct rpc_call *call,
	const ProtobufCMessage *message, ProtobufCClosure done)
{
	const Vfio__V1__UnbindDevicesRequest *m = (const Vfio__V1__UnbindDevicesRequest *)message;
	const struct change_fields fields = {
		.addresses = m->pci_addresses,
		.n_addresses = m->n_pci_addresses,
		.force = m->force,
		.n_force = m->n_force,
		.whole_group = m->whole_group,
		.all_functions = m->all_functions,
		.dry_run = m->dry_run,
		.leave_driverless = m->leave_driverless,
		.node_owner = "",
		.node_mode = "",
	};

	change_devices(env, call, CHANGE_KIND_UNBIND, &fields, done);
}
