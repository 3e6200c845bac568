/* SPDX-License-Identifier: MIT */
/* Methods, statuses and the rules of a call. */
#include "tests/rpc/test.h"

#include "core/base/clock.h"
#include "rpc/service/call.h"
#include "tests/rpc/service/fake.h"
#include "vfio/v1/problem.pb-c.h"

#include <errno.h>
#include <string.h>

static const struct rpc_method *method(const char *name)
{
	return rpc_method_find(name, strlen(name));
}

static void test_methods_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < rpc_method_count; i++) {
		const char *name = rpc_methods[i].name;

		assert_ptr_equal(method(name), &rpc_methods[i]);
		assert_null(rpc_method_find(name, strlen(name) - 1));
		if (i > 0)
			assert_true(strcmp(rpc_methods[i - 1].name, name) < 0);
	}
	assert_null(method(""));
	assert_null(method("vfio.v1.DeviceService/BindDevicesNow"));
	assert_null(method("zzz"));
	assert_non_null(rpc_method_find("vfio.v1.DeviceService/GetHost!", 29));
}

static void test_methods_know_their_messages(void **state)
{
	const struct rpc_method *bind = method("vfio.v1.DeviceService/BindDevices");

	(void)state;
	assert_true(bind->changes);
	assert_ptr_equal(rpc_method_input(bind), &vfio__v1__bind_devices_request__descriptor);
	assert_ptr_equal(rpc_method_output(bind), &vfio__v1__bind_devices_response__descriptor);
	assert_int_equal(rpc_method_default_timeout_ms(bind), 30000);
	assert_int_equal(rpc_method_default_timeout_ms(method("rpc.v1.Health/Check")), 5000);
}

static void test_code_names(void **state)
{
	(void)state;
	assert_string_equal(rpc_code_name(RPC_OK), "OK");
	assert_string_equal(rpc_code_name(RPC_FAILED_PRECONDITION), "FAILED_PRECONDITION");
	assert_string_equal(rpc_code_name(RPC_UNAUTHENTICATED), "UNAUTHENTICATED");
	assert_string_equal(rpc_code_name(17), "UNKNOWN");
	assert_string_equal(rpc_code_name(-1), "UNKNOWN");
}

static void test_status_carries_details(void **state)
{
	Vfio__V1__DeviceProblem problem = VFIO__V1__DEVICE_PROBLEM__INIT, *back;
	Rpc__V1__Status *status = rpc_status_new(RPC_NOT_FOUND, "no %s", "device");

	(void)state;
	assert_int_equal(status->code, RPC_NOT_FOUND);
	assert_string_equal(status->message, "no device");
	assert_int_equal(rpc_status_add_detail(status, &problem.base), 0);
	problem.reason = (char *)(uintptr_t) "IS_BRIDGE";
	assert_int_equal(rpc_status_add_detail(status, &problem.base), 0);
	assert_int_equal(status->n_details, 2);
	assert_string_equal(
		status->details[1]->type_url, "type.googleapis.com/vfio.v1.DeviceProblem");
	back = vfio__v1__device_problem__unpack(
		NULL, status->details[1]->value.len, status->details[1]->value.data);
	assert_string_equal(back->reason, "IS_BRIDGE");
	vfio__v1__device_problem__free_unpacked(back, NULL);
	rpc_status_free(status);
	rpc_status_free(NULL);
}

static void test_status_text_is_utf8(void **state)
{
	Rpc__V1__Status *status =
		rpc_status_new(RPC_ABORTED, "held by %s", "qemu\xc3\xa9\xff\xe2\x82");

	(void)state;
	assert_string_equal(status->message, "held by qemu\xc3\xa9???");
	rpc_status_free(status);
}

struct outcome {
	struct rpc_call call;
	int done;
	bool message;
};

static void note(const ProtobufCMessage *message, void *closure_data)
{
	struct outcome *outcome = closure_data;

	outcome->done++;
	outcome->message = message != NULL;
}

static struct outcome invoke(const char *name, bool may_change, int64_t deadline_ns)
{
	Vfio__V1__BindDevicesRequest bind = VFIO__V1__BIND_DEVICES_REQUEST__INIT;
	Vfio__V1__GetDeviceInfoRequest info = VFIO__V1__GET_DEVICE_INFO_REQUEST__INIT;
	struct outcome outcome = {.call = {.method = method(name), .deadline_ns = deadline_ns}};
	struct fake *fake = fake_new();

	outcome.call.peer.may_change = may_change ? RPC_MAY : RPC_MAY_NOT;
	rpc_invoke(fake_service(fake), &outcome.call,
		outcome.call.method->changes ? &bind.base : &info.base, note);
	assert_int_equal(fake_runs(fake), outcome.message);
	fake_free(fake);
	return outcome;
}

static void test_invoke_guards_changes(void **state)
{
	struct outcome outcome = invoke("vfio.v1.DeviceService/BindDevices", false, INT64_MAX);

	(void)state;
	assert_int_equal(outcome.done, 1);
	assert_false(outcome.message);
	assert_int_equal(outcome.call.status->code, RPC_PERMISSION_DENIED);
	rpc_status_free(outcome.call.status);
	outcome = invoke("vfio.v1.DeviceService/BindDevices", true, INT64_MAX);
	assert_true(outcome.message);
	outcome = invoke("vfio.v1.DeviceService/GetDeviceInfo", false, INT64_MAX);
	assert_true(outcome.message);
}

/* Rights that are asked of, whose answer the test gives when it likes. */
struct question {
	struct rpc_rights rights;
	uid_t uid;
	gid_t gid;
	rpc_rights_done done;
	void *done_arg;
	int asked;
};

static void on_ask(void *arg, uid_t uid, gid_t gid, rpc_rights_done done, void *done_arg)
{
	struct question *question = arg;

	question->uid = uid;
	question->gid = gid;
	question->done = done;
	question->done_arg = done_arg;
	question->asked++;
}

static void ask_and_answer(
	const char *name, enum rpc_rights_answer answer, int64_t left_ns, int code)
{
	Vfio__V1__BindDevicesRequest bind = VFIO__V1__BIND_DEVICES_REQUEST__INIT;
	struct question question = {.rights = {on_ask, &question}};
	struct outcome outcome = {
		.call = {.method = method(name), .deadline_ns = now_ns() + left_ns}};
	struct fake *fake = fake_new();

	rpc_peer_set_user(&outcome.call.peer, 1000, 100, &question.rights);
	assert_int_equal(outcome.call.peer.may_change, RPC_MAY_ASK);
	rpc_invoke(fake_service(fake), &outcome.call, &bind.base, note);
	assert_int_equal(question.asked, 1);
	assert_int_equal(question.uid, 1000);
	assert_int_equal(question.gid, 100);
	assert_int_equal(outcome.done, 0);
	assert_int_equal(fake_runs(fake), 0);
	question.done(question.done_arg, answer);
	assert_int_equal(outcome.done, 1);
	assert_int_equal(fake_runs(fake), code == RPC_OK);
	assert_int_equal(outcome.call.started, code == RPC_OK);
	assert_int_equal(outcome.call.status ? outcome.call.status->code : RPC_OK, code);
	rpc_status_free(outcome.call.status);
	fake_free(fake);
}

static void test_invoke_asks_about_the_caller(void **state)
{
	static const char name[] = "vfio.v1.DeviceService/BindDevices";

	(void)state;
	ask_and_answer(name, RPC_RIGHTS_YES, INT64_C(60000000000), RPC_OK);
	ask_and_answer(name, RPC_RIGHTS_NO, INT64_C(60000000000), RPC_PERMISSION_DENIED);
	ask_and_answer(name, RPC_RIGHTS_BUSY, INT64_C(60000000000), RPC_RESOURCE_EXHAUSTED);
	ask_and_answer(name, RPC_RIGHTS_UNKNOWN, INT64_C(60000000000), RPC_UNAVAILABLE);
	/* The answer came too late. */
	ask_and_answer(name, RPC_RIGHTS_YES, 0, RPC_DEADLINE_EXCEEDED);
}

static void test_reads_are_not_asked_about(void **state)
{
	Vfio__V1__GetDeviceInfoRequest info = VFIO__V1__GET_DEVICE_INFO_REQUEST__INIT;
	struct question question = {.rights = {on_ask, &question}};
	struct outcome outcome = {.call = {.method = method("vfio.v1.DeviceService/GetDeviceInfo"),
					  .deadline_ns = INT64_MAX}};
	struct fake *fake = fake_new();

	(void)state;
	rpc_peer_set_user(&outcome.call.peer, 1000, 100, &question.rights);
	rpc_invoke(fake_service(fake), &outcome.call, &info.base, note);
	assert_true(outcome.message);
	assert_int_equal(question.asked, 0);
	fake_free(fake);
}

static void test_without_rights_root_alone_may(void **state)
{
	struct rpc_peer peer = {0};

	(void)state;
	rpc_peer_set_user(&peer, 0, 0, NULL);
	assert_int_equal(peer.may_change, RPC_MAY);
	rpc_peer_set_user(&peer, 1000, 0, NULL);
	assert_int_equal(peer.may_change, RPC_MAY_NOT);
}

static void test_a_refusal_says_why(void **state)
{
	struct outcome outcome = {.call = {.method = method("vfio.v1.DeviceService/BindDevices"),
					  .peer = {.why_not = "who is late", .text = "uid 7"},
					  .deadline_ns = INT64_MAX}};
	struct fake *fake = fake_new();

	(void)state;
	rpc_invoke(fake_service(fake), &outcome.call, NULL, note);
	assert_non_null(strstr(outcome.call.status->message, "the caller is uid 7, who is late"));
	rpc_status_free(outcome.call.status);
	fake_free(fake);
}

static void test_invoke_minds_the_deadline(void **state)
{
	struct outcome outcome = invoke("vfio.v1.DeviceService/GetDeviceInfo", true, now_ns() - 1);

	(void)state;
	assert_int_equal(outcome.done, 1);
	assert_int_equal(outcome.call.status->code, RPC_DEADLINE_EXCEEDED);
	rpc_status_free(outcome.call.status);
}

static void test_fail_replaces(void **state)
{
	struct rpc_call call = {0};

	(void)state;
	rpc_call_fail(&call, RPC_ABORTED, "first");
	rpc_call_fail(&call, RPC_INTERNAL, "second %d", 2);
	assert_int_equal(call.status->code, RPC_INTERNAL);
	assert_string_equal(call.status->message, "second 2");
	rpc_status_free(call.status);
}

static void test_service_lookup(void **state)
{
	struct fake *fake = fake_new();
	ProtobufCService *services[] = {fake_service(fake), NULL};

	(void)state;
	assert_ptr_equal(rpc_service_for(services, method("vfio.v1.DeviceService/GetHost")),
		fake_service(fake));
	assert_null(rpc_service_for(services, method("rpc.v1.Health/Check")));
	fake_free(fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_methods_are_found),
		cmocka_unit_test(test_methods_know_their_messages),
		cmocka_unit_test(test_code_names),
		cmocka_unit_test(test_status_carries_details),
		cmocka_unit_test(test_status_text_is_utf8),
		cmocka_unit_test(test_invoke_guards_changes),
		cmocka_unit_test(test_invoke_asks_about_the_caller),
		cmocka_unit_test(test_reads_are_not_asked_about),
		cmocka_unit_test(test_without_rights_root_alone_may),
		cmocka_unit_test(test_a_refusal_says_why),
		cmocka_unit_test(test_invoke_minds_the_deadline),
		cmocka_unit_test(test_fail_replaces),
		cmocka_unit_test(test_service_lookup),
	};

	return cmocka_run_group_tests_name("rpc/call", tests, NULL, NULL);
}
