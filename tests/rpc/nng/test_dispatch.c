/* SPDX-License-Identifier: MIT */
/* One reply to every request, and nothing run twice: without a network. */
#include "tests/rpc/test.h"

#include "core/base/clock.h"
#include "rpc/nng/dispatch.h"
#include "tests/rpc/nng/raw.h"
#include "tests/rpc/service/fake.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BIND "vfio.v1.DeviceService/BindDevices"
#define INFO "vfio.v1.DeviceService/GetDeviceInfo"
#define MAX_CHANGES 3

/* A request and what became of it. */
struct request {
	struct rpc_ticket ticket; /* first */
	unsigned replies;
	Rpc__V1__Response *response;
};

struct desk {
	struct fake *fake;
	ProtobufCService *services[2];
	struct rpc_dispatch *dispatch;
	struct rpc_caller caller;
	unsigned wakes;
};

static void on_reply(void *arg, struct rpc_ticket *ticket, const uint8_t *bytes, size_t len)
{
	struct request *request = (struct request *)ticket;
	struct fault fault;

	(void)arg;
	request->replies++;
	assert_int_equal(rpc_envelope_decode_response(bytes, len, &request->response, &fault), 0);
}

static void on_wake(void *arg)
{
	((struct desk *)arg)->wakes++;
}

static int setup(void **state)
{
	struct desk *desk = calloc(1, sizeof(*desk));
	struct rpc_dispatch_config config = {.services = desk->services,
		.api_key = "secret",
		.max_changes = MAX_CHANGES,
		.max_reads = 2,
		.reply = on_reply,
		.wake = on_wake,
		.arg = desk};

	desk->fake = fake_new();
	desk->services[0] = fake_service(desk->fake);
	desk->dispatch = rpc_dispatch_new(&config);
	desk->caller.peer.may_change = RPC_MAY;
	strcpy(desk->caller.key, "uid 0");
	*state = desk;
	return 0;
}

static int teardown(void **state)
{
	struct desk *desk = *state;

	rpc_dispatch_close(desk->dispatch, 0);
	rpc_dispatch_free(desk->dispatch);
	fake_finish(desk->fake);
	fake_free(desk->fake);
	free(desk);
	return 0;
}

static struct rpc_bytes encode(
	const char *method, const char *address, const char *id, uint32_t timeout_ms)
{
	char *addresses[] = {(char *)(uintptr_t)address};
	Vfio__V1__BindDevicesRequest bind = VFIO__V1__BIND_DEVICES_REQUEST__INIT;
	Vfio__V1__GetDeviceInfoRequest info = VFIO__V1__GET_DEVICE_INFO_REQUEST__INIT;

	bind.pci_addresses = addresses;
	bind.n_pci_addresses = 1;
	info.pci_address = addresses[0];
	return raw_request(
		method, strcmp(method, BIND) == 0 ? &bind.base : &info.base, id, timeout_ms, NULL);
}

static void take(struct desk *desk, struct request *request, const char *method,
	const char *address, const char *id, uint32_t timeout_ms)
{
	struct rpc_bytes bytes = encode(method, address, id, timeout_ms);

	rpc_dispatch_take(desk->dispatch, &request->ticket, &desk->caller, bytes.data, bytes.len);
	rpc_bytes_free(&bytes);
}

/* Checks the one reply of a request and makes it ready for another. */
static void expect(struct request *request, int code)
{
	assert_int_equal(request->replies, 1);
	assert_int_equal(request->response->status ? request->response->status->code : 0, code);
	rpc__v1__response__free_unpacked(request->response, NULL);
	*request = (struct request){0};
}

/* As expect, for a success whose run was the n-th. */
static void expect_run(struct request *request, const char *n)
{
	Vfio__V1__BindDevicesResponse *bind;

	assert_int_equal(request->replies, 1);
	assert_null(request->response->status);
	bind = vfio__v1__bind_devices_response__unpack(
		NULL, request->response->payload.len, request->response->payload.data);
	assert_string_equal(bind->message, n);
	vfio__v1__bind_devices_response__free_unpacked(bind, NULL);
	expect(request, 0);
}

static void test_reads_end_at_once(void **state)
{
	struct desk *desk = *state;
	struct request request = {0};

	take(desk, &request, INFO, "x", "", 0);
	expect(&request, RPC_OK);
	take(desk, &request, INFO, "missing", "", 0);
	assert_int_equal(request.response->status->n_details, 1);
	expect(&request, RPC_NOT_FOUND);
}

static void test_repeat_waits_for_the_first(void **state)
{
	struct desk *desk = *state;
	struct request first = {0}, second = {0}, third = {0};

	take(desk, &first, BIND, "hold", "id", 0);
	take(desk, &second, BIND, "hold", "id", 0);
	assert_int_equal(first.replies + second.replies, 0);
	assert_int_equal(fake_runs(desk->fake), 1);
	fake_finish(desk->fake);
	expect_run(&first, "1");
	expect_run(&second, "1");
	take(desk, &third, BIND, "hold", "id", 0);
	expect_run(&third, "1");
	assert_int_equal(fake_runs(desk->fake), 1);
}

static void test_repeat_with_other_bytes(void **state)
{
	struct desk *desk = *state;
	struct request request = {0};

	take(desk, &request, BIND, "x", "id", 0);
	expect_run(&request, "1");
	take(desk, &request, BIND, "y", "id", 0);
	assert_string_equal(request.response->request_id, "id");
	expect(&request, RPC_INVALID_ARGUMENT);
	take(desk, &request, INFO, "x", "id", 0);
	expect(&request, RPC_INVALID_ARGUMENT);
	take(desk, &request, BIND, "x", "id", 777);
	expect_run(&request, "1");
	strcpy(desk->caller.key, "uid 1");
	take(desk, &request, BIND, "y", "id", 0);
	expect_run(&request, "2");
}

static void test_failures_are_remembered(void **state)
{
	struct desk *desk = *state;
	struct request request = {0};

	take(desk, &request, INFO, "missing", "id", 0);
	expect(&request, RPC_NOT_FOUND);
	take(desk, &request, INFO, "missing", "id", 0);
	expect(&request, RPC_NOT_FOUND);
	assert_int_equal(fake_runs(desk->fake), 1);
}

/* Runs the timer until it has nothing to wait for. */
static void run_clock(struct desk *desk)
{
	int64_t next_ns;

	while ((next_ns = rpc_dispatch_expire(desk->dispatch)) != INT64_MAX) {
		struct timespec until = clock_timespec(next_ns);

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	}
}

static void test_deadline_then_repeat(void **state)
{
	struct desk *desk = *state;
	struct request first = {0}, repeat = {0};

	take(desk, &first, BIND, "hold", "id", 5);
	assert_int_equal(desk->wakes, 1);
	run_clock(desk);
	assert_non_null(strstr(first.response->status->message, "same request_id"));
	expect(&first, RPC_DEADLINE_EXCEEDED);
	take(desk, &repeat, BIND, "hold", "id", 5);
	run_clock(desk);
	expect(&repeat, RPC_DEADLINE_EXCEEDED);
	take(desk, &repeat, BIND, "hold", "id", 0);
	assert_int_equal(repeat.replies, 0);
	fake_finish(desk->fake);
	expect_run(&repeat, "1");
	take(desk, &repeat, BIND, "hold", "id", 0);
	expect_run(&repeat, "1");
	assert_int_equal(fake_runs(desk->fake), 1);
}

static void test_queue_is_bounded(void **state)
{
	struct desk *desk = *state;
	struct request held[MAX_CHANGES] = {0}, request = {0};

	for (int i = 0; i < MAX_CHANGES; i++)
		take(desk, &held[i], BIND, "hold", i == 0 ? "first" : "", i == 1 ? 1 : 0);
	take(desk, &request, BIND, "x", "", 0);
	expect(&request, RPC_RESOURCE_EXHAUSTED);
	/* Nor is there room for one that waits, nor is an id spent on a refusal. */
	take(desk, &request, BIND, "hold", "first", 0);
	expect(&request, RPC_RESOURCE_EXHAUSTED);
	take(desk, &request, BIND, "x", "id", 0);
	expect(&request, RPC_RESOURCE_EXHAUSTED);
	take(desk, &request, INFO, "x", "", 0);
	expect(&request, RPC_OK);
	/* What was abandoned still counts. */
	while (held[1].replies == 0)
		rpc_dispatch_expire(desk->dispatch);
	expect(&held[1], RPC_DEADLINE_EXCEEDED);
	take(desk, &request, BIND, "y", "", 0);
	expect(&request, RPC_RESOURCE_EXHAUSTED);
	fake_finish(desk->fake);
	expect_run(&held[0], "1");
	expect_run(&held[2], "3");
	take(desk, &request, BIND, "y", "id", 0);
	expect_run(&request, "5");
}

static void test_rights(void **state)
{
	struct desk *desk = *state;
	struct request request = {0};

	desk->caller.peer.may_change = RPC_MAY_NOT;
	take(desk, &request, BIND, "x", "id", 0);
	expect(&request, RPC_PERMISSION_DENIED);
	take(desk, &request, INFO, "x", "", 0);
	expect(&request, RPC_OK);
	assert_int_equal(fake_runs(desk->fake), 1);
	/* A refusal for want of rights is not what a repeat gets once the right is there. */
	desk->caller.peer.may_change = RPC_MAY;
	take(desk, &request, BIND, "x", "id", 0);
	expect_run(&request, "2");
}

static void take_with_key(
	struct desk *desk, struct request *request, const char *key, const char *value)
{
	const char *const metadata[] = {key, value};
	char *addresses[] = {(char *)(uintptr_t) "x"};
	Vfio__V1__BindDevicesRequest bind = VFIO__V1__BIND_DEVICES_REQUEST__INIT;
	struct rpc_bytes bytes;

	bind.pci_addresses = addresses;
	bind.n_pci_addresses = 1;
	bytes = raw_request(BIND, &bind.base, "", 0, metadata);
	rpc_dispatch_take(desk->dispatch, &request->ticket, &desk->caller, bytes.data, bytes.len);
	rpc_bytes_free(&bytes);
}

static void test_api_key(void **state)
{
	struct desk *desk = *state;
	struct request request = {0};

	desk->caller.peer.may_change = RPC_MAY_NOT;
	desk->caller.key_required = true;
	take(desk, &request, INFO, "x", "", 0);
	assert_string_equal(request.response->status->message, "invalid api key");
	expect(&request, RPC_UNAUTHENTICATED);
	take(desk, &request, "no/Such", "x", "", 0);
	expect(&request, RPC_UNAUTHENTICATED);
	take_with_key(desk, &request, "authorization", "Bearer wrong");
	expect(&request, RPC_UNAUTHENTICATED);
	take_with_key(desk, &request, "authorization", "secret");
	expect(&request, RPC_UNAUTHENTICATED);
	take_with_key(desk, &request, "authorization", "bearer secret");
	expect_run(&request, "1");
	take_with_key(desk, &request, "x-volant-api-key", "secret");
	expect_run(&request, "2");
}

static void test_close_answers_everyone(void **state)
{
	struct desk *desk = *state;
	struct request held = {0}, late = {0};

	take(desk, &held, BIND, "hold", "", 0);
	rpc_dispatch_close(desk->dispatch, now_ns());
	expect(&held, RPC_UNAVAILABLE);
	take(desk, &late, INFO, "x", "", 0);
	expect(&late, RPC_UNAVAILABLE);
	fake_finish(desk->fake);
	assert_int_equal(held.replies, 0);
}

static void *finish_all(void *arg)
{
	fake_finish(arg);
	return NULL;
}

static void test_close_waits_for_the_work(void **state)
{
	struct desk *desk = *state;
	struct request held = {0};
	pthread_t worker;

	take(desk, &held, BIND, "hold", "", 0);
	pthread_create(&worker, NULL, finish_all, desk->fake);
	rpc_dispatch_close(desk->dispatch, now_ns() + 10 * NS_PER_S);
	expect_run(&held, "1");
	pthread_join(worker, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reads_end_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_repeat_waits_for_the_first, setup, teardown),
		cmocka_unit_test_setup_teardown(test_repeat_with_other_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failures_are_remembered, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deadline_then_repeat, setup, teardown),
		cmocka_unit_test_setup_teardown(test_queue_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rights, setup, teardown),
		cmocka_unit_test_setup_teardown(test_api_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_close_answers_everyone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_close_waits_for_the_work, setup, teardown),
	};

	return cmocka_run_group_tests_name("rpc dispatch", tests, NULL, NULL);
}
