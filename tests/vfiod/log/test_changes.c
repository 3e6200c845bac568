/* SPDX-License-Identifier: MIT */
/* The line of a change and of a refusal: who, what, which devices, and what became of it. */
#include "tools/vfiod/log/changes.h"

#include "core/base/clock.h"
#include "tools/vfiod/log/log.h"
#include "vfio/v1/device_service.pb-c.h"
#include "vfio/v1/problem.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char GPU[] = "0000:01:00.0", AUDIO[] = "0000:01:00.1", FORCE[] = "NIC_IN_USE";
static char *one_gpu[] = {GPU}, *force[] = {FORCE};
static char captured[8192];

static void name_of(void *arg, uid_t uid, char *ret, size_t size)
{
	(void)arg;
	snprintf(ret, size, "%s", uid == 1000 ? "alice" : "");
}

/* What the observer writes to standard error about a call. */
static const char *line_of(struct rpc_call *call, const ProtobufCMessage *request,
	const ProtobufCMessage *response, unsigned times)
{
	struct changes_log *log = changes_log_new(&(struct changes_log_names){name_of, NULL});
	const struct rpc_observer *observer = changes_log_observer(log);
	FILE *file = tmpfile();
	int kept = dup(STDERR_FILENO);
	size_t n;

	call->began_ns = now_ns();
	fflush(stderr);
	dup2(fileno(file), STDERR_FILENO);
	for (unsigned i = 0; i < times; i++)
		observer->ended(observer->arg, call, request, response);
	fflush(stderr);
	dup2(kept, STDERR_FILENO);
	close(kept);
	rewind(file);
	n = fread(captured, 1, sizeof(captured) - 1, file);
	captured[n] = '\0';
	fclose(file);
	changes_log_free(log);
	return captured;
}

static struct rpc_call call_by(const char *method, const char *who)
{
	struct rpc_call call = {.method = rpc_method_find(method, strlen(method))};

	assert_non_null(call.method);
	snprintf(call.peer.text, sizeof(call.peer.text), "%s", who);
	return call;
}

static Vfio__V1__BindDevicesRequest a_bind(void)
{
	Vfio__V1__BindDevicesRequest m = VFIO__V1__BIND_DEVICES_REQUEST__INIT;

	m.pci_addresses = one_gpu;
	m.n_pci_addresses = 1;
	return m;
}

static void assert_starts(const char *line, const char *start)
{
	if (strncmp(line, start, strlen(start)) != 0)
		fail_msg("%s\ndoes not start with\n%s", line, start);
}

static void test_a_change_names_all_that_it_changed(void **state)
{
	struct rpc_call call = call_by("vfio.v1.DeviceService/BindDevices", "uid 1000 pid 0");
	Vfio__V1__BindDevicesRequest request = a_bind();
	Vfio__V1__BindDevicesResponse response = VFIO__V1__BIND_DEVICES_RESPONSE__INIT;
	Vfio__V1__DeviceChange changes[] = {
		VFIO__V1__DEVICE_CHANGE__INIT, VFIO__V1__DEVICE_CHANGE__INIT};
	Vfio__V1__DeviceChange *list[] = {&changes[0], &changes[1]};

	(void)state;
	changes[0].address = GPU;
	changes[1].address = AUDIO;
	response.devices = list;
	response.n_devices = 2;
	request.force = force;
	request.n_force = 1;
	call.peer.has_ids = true;
	call.peer.uid = 1000;
	call.request_id = "r-1";
	assert_starts(line_of(&call, &request.base, &response.base, 1),
		"vfiod: bind 0000:01:00.0 0000:01:00.1 by uid 1000 pid 0 (alice): done; forced "
		"NIC_IN_USE; request r-1; ");
}

static void test_a_dry_run_is_no_change(void **state)
{
	struct rpc_call call = call_by("vfio.v1.DeviceService/BindDevices", "uid 1000 pid 0");
	Vfio__V1__BindDevicesRequest request = a_bind();
	Vfio__V1__BindDevicesResponse response = VFIO__V1__BIND_DEVICES_RESPONSE__INIT;

	(void)state;
	request.dry_run = true;
	assert_string_equal(line_of(&call, &request.base, &response.base, 1), "");
}

static void test_a_refusal_says_its_reason(void **state)
{
	struct rpc_call call = call_by("vfio.v1.DeviceService/UnbindDevices", "127.0.0.1:9");
	Vfio__V1__UnbindDevicesRequest request = VFIO__V1__UNBIND_DEVICES_REQUEST__INIT;
	Vfio__V1__DeviceProblem problem = VFIO__V1__DEVICE_PROBLEM__INIT;
	char reason[] = "DEVICE_IN_USE";

	(void)state;
	request.pci_addresses = one_gpu;
	request.n_pci_addresses = 1;
	call.peer.has_key = true;
	rpc_call_fail(&call, RPC_FAILED_PRECONDITION, "it is\nin use");
	problem.reason = reason;
	assert_int_equal(rpc_status_add_detail(call.status, &problem.base), 0);
	assert_starts(line_of(&call, &request.base, NULL, 1),
		"vfiod: unbind 0000:01:00.0 by 127.0.0.1:9 with the API key: refused, "
		"DEVICE_IN_USE: it is?in use; ");
	rpc_status_free(call.status);
}

/* The addresses of a request are whatever a stranger wrote. */
static void test_hostile_text_stays_one_line(void **state)
{
	static char evil[] = "x\nvfiod: bind 0000:02:00.0 by uid 0: done\x1b[2J";
	char *addresses[1024];
	struct rpc_call call = call_by("vfio.v1.DeviceService/BindDevices", "uid 7 pid 0");
	Vfio__V1__BindDevicesRequest request = a_bind();
	const char *line;

	(void)state;
	for (size_t i = 0; i < 1024; i++)
		addresses[i] = evil;
	request.pci_addresses = addresses;
	request.n_pci_addresses = 1024;
	rpc_call_fail(&call, RPC_INVALID_ARGUMENT, "no address");
	line = line_of(&call, &request.base, NULL, 1);
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	assert_null(strchr(line, '\x1b'));
	assert_non_null(strstr(line, " more by uid 7"));
	rpc_status_free(call.status);
}

static void test_refusals_are_limited_and_failures_are_not(void **state)
{
	struct rpc_call call = call_by("vfio.v1.DeviceService/BindDevices", "uid 7 pid 0");
	Vfio__V1__BindDevicesRequest request = a_bind();
	unsigned lines = 0;

	(void)state;
	rpc_call_fail(&call, RPC_PERMISSION_DENIED, "no");
	for (const char *p = line_of(&call, &request.base, NULL, 40); (p = strchr(p, '\n')); p++)
		lines++;
	assert_int_equal(lines, 10);
	rpc_call_fail(&call, RPC_INTERNAL, "broken");
	lines = 0;
	for (const char *p = line_of(&call, &request.base, NULL, 40); (p = strchr(p, '\n')); p++)
		lines++;
	assert_int_equal(lines, 40);
	rpc_status_free(call.status);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_change_names_all_that_it_changed),
		cmocka_unit_test(test_a_dry_run_is_no_change),
		cmocka_unit_test(test_a_refusal_says_its_reason),
		cmocka_unit_test(test_hostile_text_stays_one_line),
		cmocka_unit_test(test_refusals_are_limited_and_failures_are_not),
	};

	log_open();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
