/* SPDX-License-Identifier: MIT */
/* The operations that check devices or the host. */
#include "rpc/device/check.h"

#include "core/base/util.h"
#include "rpc/device/answer.h"
#include "rpc/device/convert.h"

static char VALID[] = "All devices are valid and available for passthrough";

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
			device_work_deadline(call), &problems, &err) == 0)
		fill_verdict(&arena, &problems, &response);
	device_answer(call, done, &err, &arena, &response.base);
}

void device_get_host(const struct device_env *env, struct rpc_call *call,
	const ProtobufCMessage *message, ProtobufCClosure done)
{
	Vfio__V1__Host response = VFIO__V1__HOST__INIT;
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(arena_clear) struct arena arena = {0};
	struct doctor_report report;

	(void)message;
	if (doctor_examine(env->host, device_work_deadline(call), &report, &err) == 0) {
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
