/* SPDX-License-Identifier: MIT */
/* Envelopes there and back. */
#include "tests/rpc/test.h"

#include "rpc/nng/envelope.h"
#include "vfio/v1/device_service.pb-c.h"

#include <errno.h>
#include <string.h>

static void test_request_round_trip(void **state)
{
	Vfio__V1__GetDeviceInfoRequest info = VFIO__V1__GET_DEVICE_INFO_REQUEST__INIT;
	const struct rpc_envelope envelope = {"a.B/C", 1234, "id", "secret"};
	struct fault fault;
	Rpc__V1__Request *request;
	struct rpc_bytes bytes;

	(void)state;
	info.pci_address = (char *)(uintptr_t) "0000:01:00.0";
	assert_int_equal(rpc_envelope_encode_request(&envelope, &info.base, &bytes), 0);
	assert_int_equal(rpc_envelope_decode_request(bytes.data, bytes.len, &request, &fault), 0);
	assert_string_equal(request->method, "a.B/C");
	assert_int_equal(request->timeout_ms, 1234);
	assert_string_equal(request->request_id, "id");
	assert_string_equal(rpc_envelope_metadata(request, "authorization"), "Bearer secret");
	assert_null(rpc_envelope_metadata(request, "other"));
	assert_int_equal(request->payload.len, 14);
	rpc__v1__request__free_unpacked(request, NULL);
	rpc_bytes_free(&bytes);
	assert_null(bytes.data);
}

static void test_request_refuses_garbage(void **state)
{
	struct fault fault;
	Rpc__V1__Request *untouched = NULL;

	(void)state;
	assert_int_equal(
		rpc_envelope_decode_request((const uint8_t *)"\xff\xff", 2, &untouched, &fault),
		-EBADMSG);
	assert_null(untouched);
	assert_int_equal(
		rpc_envelope_decode_request((const uint8_t *)"\x0a\x01\0", 3, &untouched, &fault),
		-EBADMSG);
	assert_string_equal(fault.text, "method: a string must not contain NUL");
}

static void test_response_of_a_message(void **state)
{
	Rpc__V1__HealthCheckRequest message = RPC__V1__HEALTH_CHECK_REQUEST__INIT;
	Rpc__V1__Response *response;
	struct fault fault;
	struct rpc_bytes bytes;

	(void)state;
	message.service = (char *)(uintptr_t) "x";
	assert_int_equal(rpc_envelope_encode_response(NULL, &message.base, "id", &bytes), 0);
	assert_int_equal(rpc_envelope_decode_response(bytes.data, bytes.len, &response, &fault), 0);
	assert_null(response->status);
	assert_string_equal(response->request_id, "id");
	assert_int_equal(response->payload.len, 3);
	rpc__v1__response__free_unpacked(response, NULL);
	rpc_bytes_free(&bytes);
}

static void expect_status(const Rpc__V1__Status *status, int code)
{
	Rpc__V1__Response *response;
	struct fault fault;
	struct rpc_bytes bytes;

	assert_int_equal(rpc_envelope_encode_response(status, NULL, NULL, &bytes), 0);
	assert_int_equal(rpc_envelope_decode_response(bytes.data, bytes.len, &response, &fault), 0);
	assert_int_equal(response->status->code, code);
	assert_int_equal(response->payload.len, 0);
	rpc__v1__response__free_unpacked(response, NULL);
	rpc_bytes_free(&bytes);
}

static void test_response_of_a_failure(void **state)
{
	Rpc__V1__Status *status = rpc_status_new(RPC_ABORTED, "undone");

	(void)state;
	expect_status(status, RPC_ABORTED);
	expect_status(NULL, RPC_RESOURCE_EXHAUSTED);
	rpc_status_free(status);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_round_trip),
		cmocka_unit_test(test_request_refuses_garbage),
		cmocka_unit_test(test_response_of_a_message),
		cmocka_unit_test(test_response_of_a_failure),
	};

	return cmocka_run_group_tests_name("rpc envelope", tests, NULL, NULL);
}
