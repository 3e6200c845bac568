/* SPDX-License-Identifier: MIT */
/* tls+tcp://: who may come in, and what they may do there. */
#include "tests/rpc/test.h"

#include "core/base/clock.h"
#include "rpc/nng/client.h"
#include "rpc/nng/server.h"
#include "tests/rpc/nng/certs.h"
#include "tests/rpc/service/fake.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

struct host {
	struct fake *fake;
	ProtobufCService *services[2];
	struct rpc_server *server;
};

static void host_start(struct host *host, const char *authority, const char *api_key)
{
	const struct rpc_server_config config = {
		.urls = "tls+tcp://127.0.0.1:0",
		.services = host->services,
		.api_key = api_key,
		.tls = {certs_server, certs_server_key, authority},
		.ipc_gid = (gid_t)-1,
	};
	struct fault fault;

	host->fake = fake_new();
	host->services[0] = fake_service(host->fake);
	host->services[1] = NULL;
	if (rpc_server_start(&config, &host->server, &fault) < 0)
		fail_msg("%s", fault.text);
}

static void host_stop(struct host *host)
{
	rpc_server_free(host->server);
	fake_free(host->fake);
}

struct call {
	struct rpc_call base; /* first */
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool done;
	bool success;
};

static void on_done(const ProtobufCMessage *message, void *closure_data)
{
	struct call *call = closure_data;

	pthread_mutex_lock(&call->lock);
	call->success = message != NULL;
	call->done = true;
	pthread_cond_signal(&call->ended);
	pthread_mutex_unlock(&call->lock);
}

/* Binds a device over a connection of its own and expects a code. */
static void expect_bind(
	struct host *host, const struct rpc_client_options *options, int64_t timeout_ns, int code)
{
	Vfio__V1__BindDevicesRequest bind = VFIO__V1__BIND_DEVICES_REQUEST__INIT;
	static const char name[] = "vfio.v1.DeviceService/BindDevices";
	struct call call = {.base = {.method = rpc_method_find(name, strlen(name))}};
	struct rpc_client *client;
	struct fault fault;

	pthread_mutex_init(&call.lock, NULL);
	pthread_cond_init(&call.ended, NULL);
	call.base.peer.may_change = RPC_MAY;
	call.base.deadline_ns = now_ns() + timeout_ns;
	if (rpc_client_open(rpc_server_url(host->server, 0), options, &client, &fault) < 0)
		fail_msg("%s", fault.text);
	rpc_invoke(rpc_client_service(client, &vfio__v1__device_service__descriptor), &call.base,
		&bind.base, on_done);
	pthread_mutex_lock(&call.lock);
	while (!call.done)
		pthread_cond_wait(&call.ended, &call.lock);
	pthread_mutex_unlock(&call.lock);
	assert_int_equal(call.success ? RPC_OK : call.base.status->code, code);
	rpc_status_free(call.base.status);
	rpc_client_close(client);
	pthread_cond_destroy(&call.ended);
	pthread_mutex_destroy(&call.lock);
}

static void test_certificate_gives_the_right(void **state)
{
	const struct rpc_client_options certified = {
		.tls = {certs_client, certs_client_key, certs_authority},
		.server_name = "server.vfiod.test",
	};
	const struct rpc_client_options bare = {
		.tls = {.authority = certs_authority}, .server_name = "server.vfiod.test"};
	struct host host;

	(void)state;
	host_start(&host, certs_authority, NULL);
	expect_bind(&host, &certified, NS_PER_S * 30, RPC_OK);
	expect_bind(&host, &bare, NS_PER_S, RPC_UNAVAILABLE);
	assert_int_equal(fake_runs(host.fake), 1);
	host_stop(&host);
}

static void test_key_gives_the_right(void **state)
{
	struct rpc_client_options options = {
		.api_key = "secret",
		.tls = {.authority = certs_authority},
		.server_name = "server.vfiod.test",
	};
	struct host host;

	(void)state;
	host_start(&host, NULL, "secret");
	expect_bind(&host, &options, NS_PER_S * 30, RPC_OK);
	options.api_key = "guess";
	expect_bind(&host, &options, NS_PER_S * 30, RPC_UNAUTHENTICATED);
	assert_int_equal(fake_runs(host.fake), 1);
	host_stop(&host);
}

static void test_server_must_prove_itself(void **state)
{
	const struct rpc_client_options other_name = {
		.api_key = "secret",
		.tls = {.authority = certs_authority},
		.server_name = "other.vfiod.test",
	};
	const struct rpc_client_options other_authority = {
		.api_key = "secret",
		.tls = {.authority = certs_client},
		.server_name = "server.vfiod.test",
	};
	struct host host;

	(void)state;
	host_start(&host, NULL, "secret");
	expect_bind(&host, &other_name, NS_PER_S, RPC_UNAVAILABLE);
	expect_bind(&host, &other_authority, NS_PER_S, RPC_UNAVAILABLE);
	assert_int_equal(fake_runs(host.fake), 0);
	host_stop(&host);
}

static void expect_no_start(const struct rpc_tls *tls, const char *says)
{
	ProtobufCService *services[] = {NULL};
	const struct rpc_server_config config = {
		.urls = "tls+tcp://127.0.0.1:0",
		.services = services,
		.api_key = "secret",
		.tls = *tls,
		.ipc_gid = (gid_t)-1,
	};
	struct rpc_server *server;
	struct fault fault = {""};

	assert_int_equal(rpc_server_start(&config, &server, &fault), -EINVAL);
	if (!strstr(fault.text, says))
		fail_msg("%s", fault.text);
}

static void test_refuses_bad_certificates(void **state)
{
	(void)state;
	expect_no_start(&(struct rpc_tls){NULL, NULL, NULL}, "needs a TLS certificate");
	expect_no_start(&(struct rpc_tls){certs_server, NULL, NULL}, "without its key");
	expect_no_start(&(struct rpc_tls){"text", certs_server_key, NULL}, "not a PEM pair");
	expect_no_start(&(struct rpc_tls){certs_server, certs_server_key, "text"}, "authority");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_certificate_gives_the_right),
		cmocka_unit_test(test_key_gives_the_right),
		cmocka_unit_test(test_server_must_prove_itself),
		cmocka_unit_test(test_refuses_bad_certificates),
	};

	return cmocka_run_group_tests_name("rpc tls", tests, NULL, NULL);
}
