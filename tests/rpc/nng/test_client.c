/* SPDX-License-Identifier: MIT */
/* The client stub against a server in the same process. */
#include "tests/rpc/test.h"

#include "core/base/clock.h"
#include "rpc/nng/client.h"
#include "rpc/nng/envelope.h"
#include "tests/rpc/nng/ask.h"

#include <errno.h>
#include <nng/supplemental/util/platform.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BIND "vfio.v1.DeviceService/BindDevices"
#define INFO "vfio.v1.DeviceService/GetDeviceInfo"
#define SECOND NS_PER_S

/* A call and its outcome. */
struct call {
	struct rpc_call base; /* first */
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool done;
	char run[16]; /* which run of the service answered; empty on failure */
};

static void on_done(const ProtobufCMessage *message, void *closure_data)
{
	struct call *call = closure_data;
	const char *run = "";

	if (message && call->base.method->changes)
		run = ((const Vfio__V1__BindDevicesResponse *)message)->message;
	else if (message)
		run = ((const Vfio__V1__Device *)message)->class_name;
	pthread_mutex_lock(&call->lock);
	assert_false(call->done);
	strncpy(call->run, run, sizeof(call->run) - 1);
	call->done = true;
	pthread_cond_signal(&call->ended);
	pthread_mutex_unlock(&call->lock);
}

static void start(struct rpc_client *client, struct call *call, const char *method,
	const char *address, int64_t timeout_ns)
{
	char *addresses[] = {(char *)(uintptr_t)address};
	Vfio__V1__BindDevicesRequest bind = VFIO__V1__BIND_DEVICES_REQUEST__INIT;
	Vfio__V1__GetDeviceInfoRequest info = VFIO__V1__GET_DEVICE_INFO_REQUEST__INIT;
	ProtobufCService *stub = rpc_client_service(client, &vfio__v1__device_service__descriptor);

	bind.pci_addresses = addresses;
	bind.n_pci_addresses = 1;
	info.pci_address = addresses[0];
	memset(call, 0, sizeof(*call));
	pthread_mutex_init(&call->lock, NULL);
	pthread_cond_init(&call->ended, NULL);
	call->base.method = rpc_method_find(method, strlen(method));
	call->base.peer.may_change = RPC_MAY;
	call->base.deadline_ns = now_ns() + timeout_ns;
	rpc_invoke(
		stub, &call->base, call->base.method->changes ? &bind.base : &info.base, on_done);
}

/* Waits for the outcome and expects a code. */
static void expect(struct call *call, int code)
{
	pthread_mutex_lock(&call->lock);
	while (!call->done)
		pthread_cond_wait(&call->ended, &call->lock);
	pthread_mutex_unlock(&call->lock);
	if (call->run[0] ? code != RPC_OK : call->base.status->code != code)
		fail_msg("not %s but %s", rpc_code_name(code),
			call->run[0] ? "a success" : call->base.status->message);
	rpc_status_free(call->base.status);
	call->base.status = NULL;
	pthread_cond_destroy(&call->ended);
	pthread_mutex_destroy(&call->lock);
}

static struct rpc_client *client_of(const char *url, const char *api_key)
{
	const struct rpc_client_options options = {.api_key = api_key};
	struct rpc_client *client;
	struct fault fault;

	if (rpc_client_open(url, &options, &client, &fault) < 0)
		fail_msg("%s", fault.text);
	return client;
}

static void test_calls_and_answers(void **state)
{
	struct host *host = *state;
	struct rpc_client *client = client_of(host->ipc, NULL);
	struct call call;

	start(client, &call, INFO, "x", SECOND * 10);
	expect(&call, RPC_OK);
	assert_string_equal(call.run, "1");
	start(client, &call, BIND, "x", SECOND * 10);
	expect(&call, getuid() == 0 ? RPC_OK : RPC_PERMISSION_DENIED);
	start(client, &call, INFO, "big", SECOND * 10);
	expect(&call, RPC_OK);
	rpc_client_close(client);
	client = client_of(host->tcp, NULL);
	start(client, &call, INFO, "x", SECOND * 10);
	expect(&call, RPC_OK);
	start(client, &call, BIND, "x", SECOND * 10);
	expect(&call, RPC_PERMISSION_DENIED);
	rpc_client_close(client);
}

static void test_details_arrive(void **state)
{
	struct host *host = *state;
	struct rpc_client *client = client_of(host->ipc, NULL);
	struct call call;

	start(client, &call, INFO, "missing", SECOND * 10);
	pthread_mutex_lock(&call.lock);
	while (!call.done)
		pthread_cond_wait(&call.ended, &call.lock);
	pthread_mutex_unlock(&call.lock);
	assert_int_equal(call.base.status->n_details, 1);
	assert_string_equal(call.base.status->details[0]->type_url,
		"type.googleapis.com/vfio.v1.DeviceProblem");
	expect(&call, RPC_NOT_FOUND);
	rpc_client_close(client);
}

static void test_many_at_once(void **state)
{
	struct host *host = *state;
	struct rpc_client *client = client_of(host->ipc, NULL);
	struct call calls[200];

	for (size_t i = 0; i < 200; i++)
		start(client, &calls[i], INFO, "x", SECOND * 60);
	for (size_t i = 0; i < 200; i++)
		expect(&calls[i], RPC_OK);
	assert_int_equal(fake_runs(host->fake), 200);
	rpc_client_close(client);
}

static void test_server_judges_the_deadline(void **state)
{
	struct host *host = *state;
	struct rpc_client *client = client_of(host->ipc, NULL);
	struct call call;

	start(client, &call, INFO, "hold", SECOND / 20);
	expect(&call, RPC_DEADLINE_EXCEEDED);
	rpc_client_close(client);
}

static void test_key_is_presented(void **state)
{
	struct host *host = *state;
	struct rpc_client *client = client_of(host->tcp, "secret");
	struct call call;

	start(client, &call, BIND, "x", SECOND * 10);
	expect(&call, RPC_OK);
	rpc_client_close(client);
	client = client_of(host->tcp, "wrong");
	start(client, &call, INFO, "x", SECOND * 10);
	expect(&call, RPC_UNAUTHENTICATED);
	rpc_client_close(client);
}

static void test_oversize_is_not_sent(void **state)
{
	struct host *host = *state;
	struct rpc_client *client = client_of(host->ipc, NULL);
	char *address = malloc(RPC_REQUEST_MAX + 1);
	struct call call;

	memset(address, 'x', RPC_REQUEST_MAX);
	address[RPC_REQUEST_MAX] = '\0';
	start(client, &call, INFO, address, SECOND * 10);
	expect(&call, RPC_INVALID_ARGUMENT);
	free(address);
	rpc_client_close(client);
}

static void test_absent_server(void **state)
{
	struct host *host = *state;
	struct rpc_client *client = client_of("ipc:///nonexistent/socket", NULL);
	struct call call;

	start(client, &call, INFO, "x", SECOND * 60);
	expect(&call, RPC_UNAVAILABLE);
	rpc_client_close(client);
	client = client_of(host->ipc, NULL);
	rpc_server_stop(host->server, 0);
	start(client, &call, INFO, "x", SECOND * 60);
	expect(&call, RPC_UNAVAILABLE);
	/* Once it is there, the same client finds it. */
	host_restart(host);
	start(client, &call, INFO, "x", SECOND * 60);
	expect(&call, RPC_OK);
	rpc_client_close(client);
}

static void test_survives_a_restart(void **state)
{
	struct host *host = *state;
	struct rpc_client *client = client_of(host->ipc, NULL);
	struct call call;

	start(client, &call, INFO, "x", SECOND * 60);
	expect(&call, RPC_OK);
	host_restart(host);
	start(client, &call, INFO, "x", SECOND * 60);
	expect(&call, RPC_OK);
	rpc_client_close(client);
}

/* A client that leaves in order harms nobody else's call: the connection stays, so does the run. */
static void test_others_may_leave(void **state)
{
	struct host *host = *state;
	struct rpc_client *client = client_of(host->ipc, NULL), *other;
	struct call held, call;

	start(client, &held, INFO, "hold", SECOND * 60);
	fake_wait_held(host->fake, 1);
	for (int i = 0; i < 20; i++) {
		other = client_of(host->ipc, NULL);
		start(other, &call, INFO, "x", SECOND * 60);
		expect(&call, RPC_OK);
		rpc_client_close(other);
		nng_msleep(20);
	}
	fake_finish(host->fake);
	expect(&held, RPC_OK);
	assert_string_equal(held.run, "1");
	rpc_client_close(client);
}

/* Bare connections disturb no call: it is neither lost nor run again. */
static void test_bare_connects_run_nothing_twice(void **state)
{
	struct host *host = *state;
	struct rpc_client *client = client_of(host->ipc, NULL), *other;
	struct call held, call;

	if (getuid() != 0)
		skip();
	start(client, &held, BIND, "hold", SECOND * 60);
	fake_wait_held(host->fake, 1);
	for (int i = 0; i < 1000; i++)
		close(raw_connect(host->ipc));
	other = client_of(host->ipc, NULL);
	start(other, &call, INFO, "x", SECOND * 60);
	expect(&call, RPC_OK);
	fake_finish(host->fake);
	expect(&held, RPC_OK);
	assert_string_equal(held.run, "1");
	rpc_client_close(other);
	rpc_client_close(client);
}

static void test_close_ends_calls(void **state)
{
	struct host *host = *state;
	struct rpc_client *client = client_of(host->ipc, NULL);
	struct call call;

	start(client, &call, INFO, "hold", SECOND * 60);
	fake_wait_held(host->fake, 1);
	rpc_client_close(client);
	expect(&call, RPC_UNAVAILABLE);
	rpc_client_close(NULL);
}

static void test_bad_url(void **state)
{
	const struct rpc_client_options options = {0};
	struct rpc_client *client = NULL;
	struct fault fault;

	(void)state;
	assert_int_equal(rpc_client_open("http://x", &options, &client, &fault), -EINVAL);
	assert_int_equal(
		rpc_client_open("tls+tcp://127.0.0.1:1", &options, &client, &fault), -EINVAL);
	assert_null(client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ask_setup, ask_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_calls_and_answers),
		TEST(test_details_arrive),
		TEST(test_many_at_once),
		TEST(test_server_judges_the_deadline),
		cmocka_unit_test_setup_teardown(
			test_key_is_presented, ask_setup_with_key, ask_teardown),
		TEST(test_oversize_is_not_sent),
		TEST(test_absent_server),
		TEST(test_survives_a_restart),
		TEST(test_others_may_leave),
		TEST(test_bare_connects_run_nothing_twice),
		TEST(test_close_ends_calls),
		cmocka_unit_test(test_bad_url),
	};

	return cmocka_run_group_tests_name("rpc client", tests, NULL, NULL);
}
