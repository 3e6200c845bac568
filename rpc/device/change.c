/* SPDX-License-Identifier: MIT */
/* Operations that may block: validate, bind, unbind, host. */
#include "rpc/device/access.h"
#include "rpc/device/operations.h"

#include "core/util.h"

#include <string.h>

static char VALID[] = "All devices are valid and available for passthrough";
static char BOUND[] = "Devices successfully bound to vfio-pci driver";
static char UNBOUND[] = "Devices successfully unbound from vfio-pci driver";
static char BOUND_EVENT[] = "device.bound", UNBOUND_EVENT[] = "device.unbound";
static char DRY_RUN[] = "Nothing was changed: this is what would be done";

static void fill_verdict(struct arena *arena, const struct core_problems *problems,
	Vfio__V1__ValidateDevicesResponse *response)
{
	response->valid = problems->count == 0;
	response->message = response->valid ? VALID : problems->items[0].message;
	response->problems = device_convert_problems(arena, problems);
	response->errors = arena_array(arena, problems->count, sizeof(*response->errors));
	if (arena->failed || response->valid)
		return;
	response->n_problems = response->n_errors = problems->count;
	for (size_t i = 0; i < problems->count; i++)
		response->errors[i] = problems->items[i].message;
}

/* When the work itself gives up: a little before the caller does, so that the answer can still tell
 * which device and who holds it. What comes in between (one more look at the blocked device, the
 * others of a batch given back, the journal) takes its time however short the deadline is. */
static int64_t work_deadline(const struct rpc_call *call)
{
	const int64_t LEAST_NS = 400000000, MOST_NS = 2000000000;
	int64_t left = call->deadline_ns - rpc_now_ns(), margin = left / 10;

	if (margin < LEAST_NS)
		margin = LEAST_NS < left / 2 ? LEAST_NS : left / 2;
	return call->deadline_ns - (margin < MOST_NS ? margin : MOST_NS);
}

void device_validate_devices(const struct device_env *env, struct rpc_call *call,
	const ProtobufCMessage *message, ProtobufCClosure done)
{
	const Vfio__V1__ValidateDevicesRequest *request =
		(const Vfio__V1__ValidateDevicesRequest *)message;
	Vfio__V1__ValidateDevicesResponse response = VFIO__V1__VALIDATE_DEVICES_RESPONSE__INIT;
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(core_problems_clear) struct core_problems problems = {0};
	CLEANUP(allowlist_clear) struct allowlist allow = {0};
	CLEANUP(arena_clear) struct arena arena = {0};

	if (address_list_check_count(request->n_pci_addresses, &err) == 0 &&
		allowlist_parse(request->allowlist, request->n_allowlist, &allow, &err) == 0 &&
		host_check(env->host, request->pci_addresses, request->n_pci_addresses, &allow,
			work_deadline(call), &problems, &err) == 0)
		fill_verdict(&arena, &problems, &response);
	device_answer(call, done, &err, &arena, &response.base);
}

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
		.dry_run = (request)->dry_run, .deadline = work_deadline(call)                     \
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

void device_get_host(const struct device_env *env, struct rpc_call *call,
	const ProtobufCMessage *message, ProtobufCClosure done)
{
	Vfio__V1__Host response = VFIO__V1__HOST__INIT;
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(arena_clear) struct arena arena = {0};
	struct doctor_report report;

	(void)message;
	if (doctor_examine(env->host, &report, &err) == 0) {
		response.ready = true;
		for (size_t i = 0; i < report.n_checks; i++)
			response.ready &= report.checks[i].verdict != DOCTOR_FAIL;
		response.kernel = report.kernel;
		response.version = (char *)VFIOD_VERSION;
		response.iommu_groups = report.n_groups;
		response.devices = report.n_devices;
		response.vfio_devices = report.n_vfio_devices;
		response.checks = device_convert_checks(&arena, &report);
		response.n_checks = response.checks ? report.n_checks : 0;
	}
	device_answer(call, done, &err, &arena, &response.base);
}
