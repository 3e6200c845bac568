/* SPDX-License-Identifier: MIT */
/* URLs taken apart. */
#include "tests/rpc/test.h"

#include "rpc/nng/endpoint.h"

#include <errno.h>
#include <string.h>

static struct rpc_endpoint parse(const char *url)
{
	struct rpc_endpoint endpoint;
	struct fault fault = {""};

	if (rpc_endpoint_parse(url, &endpoint, &fault) < 0)
		fail_msg("%s", fault.text);
	return endpoint;
}

static void test_good_urls(void **state)
{
	struct rpc_endpoint endpoint = parse("ipc:///run/vfiod/rpc.sock");

	(void)state;
	assert_int_equal(endpoint.scheme, RPC_SCHEME_IPC);
	assert_string_equal(endpoint.path, "/run/vfiod/rpc.sock");
	endpoint = parse("tcp://localhost:7443");
	assert_int_equal(endpoint.scheme, RPC_SCHEME_TCP);
	assert_true(endpoint.loopback);
	assert_string_equal(endpoint.url, "tcp://127.0.0.1:7443");
	endpoint = parse("tls+tcp://[2001:db8::1]:65535");
	assert_int_equal(endpoint.scheme, RPC_SCHEME_TLS);
	assert_false(endpoint.loopback);
	assert_string_equal(endpoint.url, "tls+tcp://[2001:db8::1]:65535");
	assert_int_equal(endpoint.port, 65535);
}

static void test_loopback(void **state)
{
	(void)state;
	assert_true(parse("tcp://127.9.9.9:1").loopback);
	assert_true(parse("tcp://[::1]:1").loopback);
	assert_false(parse("tcp://128.0.0.1:1").loopback);
	assert_false(parse("tcp://0.0.0.0:1").loopback);
	assert_false(parse("tcp://*:1").loopback);
	assert_false(parse("tcp://[::]:1").loopback);
	assert_false(parse("tcp://localhost.example.org:1").loopback);
}

static void test_bad_urls(void **state)
{
	static const char *const urls[] = {"", "ipc://", "ipc://relative", "tcp://", "tcp://host",
		"tcp://:1", "tcp://host:", "tcp://host:x", "tcp://host:65536", "tcp://host:-1",
		"tcp://::1:5", "tcp://[::1]", "tcp://[::1:5", "http://host:1", "inproc://x",
		"abstract://x", "tcp://127.0.0.1:1/path"};
	struct rpc_endpoint untouched = {.port = 77};
	char path[256] = "ipc:///";

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct fault fault = {""};

		assert_int_equal(rpc_endpoint_parse(urls[i], &untouched, &fault), -EINVAL);
		assert_true(strlen(fault.text) > 10);
	}
	memset(path + 7, 'x', 200);
	assert_int_equal(rpc_endpoint_parse(path, &untouched, &(struct fault){""}), -EINVAL);
	assert_int_equal(untouched.port, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_urls),
		cmocka_unit_test(test_loopback),
		cmocka_unit_test(test_bad_urls),
	};

	return cmocka_run_group_tests_name("rpc endpoint", tests, NULL, NULL);
}
