/* SPDX-License-Identifier: MIT */
/* The server as a client sees it that knows the wire and nothing else. */
#include "tests/rpc/test.h"

#include "core/base/clock.h"
#include "rpc/service/health.h"
#include "tests/rpc/nng/ask.h"

#include "google/protobuf/descriptor.pb-c.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BIND "vfio.v1.DeviceService/BindDevices"
#define INFO "vfio.v1.DeviceService/GetDeviceInfo"

static struct rpc_bytes bind_request(
	const char *address, const char *id, uint32_t timeout_ms, const char *const metadata[2])
{
	char *addresses[] = {(char *)(uintptr_t)address};
	Vfio__V1__BindDevicesRequest bind = VFIO__V1__BIND_DEVICES_REQUEST__INIT;

	bind.pci_addresses = addresses;
	bind.n_pci_addresses = 1;
	return raw_request(BIND, &bind.base, id, timeout_ms, metadata);
}

static struct rpc_bytes bytes_of(const char *data, size_t len)
{
	struct rpc_bytes bytes;

	rpc_bytes_copy((const uint8_t *)data, len, &bytes);
	return bytes;
}

static void test_answers_on_every_transport(void **state)
{
	struct host *host = *state;

	ask_expect(host->ipc, ask_info("x", "", 0), RPC_OK);
	ask_expect(host->tcp, ask_info("x", "", 0), RPC_OK);
	ask_expect(host->ipc, ask_info("missing", "", 0), RPC_NOT_FOUND);
	ask_expect(host->ipc, ask_info("big", "", 0), RPC_OK);
}

static void test_socket_has_its_mode(void **state)
{
	struct host *host = *state;
	struct stat found;

	assert_int_equal(lstat(host->path, &found), 0);
	assert_int_equal(found.st_mode, S_IFSOCK | 0640);
}

static void test_peer_is_known(void **state)
{
	struct host *host = *state;
	struct rpc_bytes bytes = ask_info("x", "", 0);
	Rpc__V1__Response *response = raw_call(host->ipc, bytes.data, bytes.len);
	Vfio__V1__Device *device =
		vfio__v1__device__unpack(NULL, response->payload.len, response->payload.data);
	char text[64];

	snprintf(text, sizeof(text), "uid %u pid %d", getuid(), getpid());
	assert_string_equal(device->driver, text);
	vfio__v1__device__free_unpacked(device, NULL);
	rpc__v1__response__free_unpacked(response, NULL);
	rpc_bytes_free(&bytes);
}

static void test_garbage_is_answered(void **state)
{
	struct host *host = *state;

	ask_expect(host->ipc, bytes_of("", 0), RPC_UNIMPLEMENTED);
	ask_expect(host->ipc, bytes_of("\xff\xff\xff\xff", 4), RPC_INVALID_ARGUMENT);
	ask_expect(host->ipc, bytes_of("\x0a\x05xx", 4), RPC_INVALID_ARGUMENT);
	ask_expect(host->tcp, bytes_of("GET / HTTP/1.1\r\n\r\n", 18), RPC_INVALID_ARGUMENT);
	ask_expect(host->ipc, bytes_of("\x0a\x02\xc0\x80", 4), RPC_INVALID_ARGUMENT);
	ask_expect(host->ipc, bytes_of("\x22\x03i\0d", 5), RPC_INVALID_ARGUMENT);
	ask_expect(host->ipc, raw_request("no.such/Method", NULL, "", 0, NULL), RPC_UNIMPLEMENTED);
	ask_expect(host->ipc, raw_request("vfio.v1.DeviceService/", NULL, "", 0, NULL),
		RPC_UNIMPLEMENTED);
	ask_expect(host->ipc, ask_info("x", "", 0), RPC_OK);
}

static void test_truncations_are_answered(void **state)
{
	struct host *host = *state;
	struct rpc_bytes whole = ask_info("0000:01:00.0", "some-id", 1000);
	int fd = raw_open(host->ipc);

	for (size_t len = 0; len < whole.len; len++) {
		Rpc__V1__Response *response = NULL;
		struct fault fault;
		struct rpc_bytes reply;

		raw_send(fd, true, (uint32_t)len, whole.data, len);
		reply = raw_receive(fd, true, (uint32_t)len);
		assert_int_equal(
			rpc_envelope_decode_response(reply.data, reply.len, &response, &fault), 0);
		rpc__v1__response__free_unpacked(response, NULL);
		rpc_bytes_free(&reply);
	}
	close(fd);
	rpc_bytes_free(&whole);
}

static struct rpc_bytes with_payload(const char *payload, size_t len)
{
	Rpc__V1__Request request = RPC__V1__REQUEST__INIT;
	struct rpc_bytes bytes;

	request.method = (char *)(uintptr_t)INFO;
	request.payload = (ProtobufCBinaryData){len, (uint8_t *)(uintptr_t)payload};
	rpc_bytes_pack(&request.base, &bytes);
	return bytes;
}

static void test_bad_payload_is_answered(void **state)
{
	struct host *host = *state;

	ask_expect(host->ipc, with_payload("\x0a", 1), RPC_INVALID_ARGUMENT);
	ask_expect(host->ipc, with_payload("\x0a\x03x\0y", 5), RPC_INVALID_ARGUMENT);
	ask_expect(host->ipc, with_payload("\x0a\x01\xff", 3), RPC_INVALID_ARGUMENT);
	ask_expect(host->ipc, with_payload("\x08\x01", 2), RPC_INVALID_ARGUMENT);
	assert_int_equal(fake_runs(host->fake), 0);
}

static void test_oversize_is_answered(void **state)
{
	struct host *host = *state;
	char *address = malloc(RPC_REQUEST_MAX + 1);

	memset(address, 'x', RPC_REQUEST_MAX);
	address[RPC_REQUEST_MAX] = '\0';
	ask_expect(host->ipc, ask_info(address, "", 0), RPC_INVALID_ARGUMENT);
	ask_expect(host->tcp, ask_info(address, "", 0), RPC_INVALID_ARGUMENT);
	address[RPC_REQUEST_MAX - 100] = '\0';
	ask_expect(host->ipc, ask_info(address, "", 0), RPC_OK);
	free(address);
}

static void test_hostile_length_ends_the_connection(void **state)
{
	static const uint8_t frame[] = {1, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	struct host *host = *state;
	int fd = raw_open(host->ipc);

	assert_int_equal(write(fd, frame, sizeof(frame)), sizeof(frame));
	assert_null(raw_receive(fd, true, 0).data);
	close(fd);
	ask_expect(host->ipc, ask_info("x", "", 0), RPC_OK);
}

static void test_changes_need_the_right(void **state)
{
	struct host *host = *state;

	ask_expect(host->tcp, bind_request("x", "", 0, NULL), RPC_PERMISSION_DENIED);
	assert_int_equal(fake_runs(host->fake), 0);
	ask_expect(host->ipc, bind_request("x", "", 0, NULL),
		getuid() == 0 ? RPC_OK : RPC_PERMISSION_DENIED);
}

static void test_key_opens_tcp(void **state)
{
	static const char *const right[] = {"authorization", "Bearer secret"};
	static const char *const wrong[] = {"authorization", "Bearer secre"};
	struct host *host = *state;

	ask_expect(host->tcp, ask_info("x", "", 0), RPC_UNAUTHENTICATED);
	ask_expect(host->tcp, bind_request("x", "", 0, wrong), RPC_UNAUTHENTICATED);
	ask_expect(host->tcp, bind_request("x", "", 0, right), RPC_OK);
	ask_expect(host->ipc, ask_info("x", "", 0), RPC_OK);
	ask_expect(host->tcp, raw_request("rpc.v1.Health/Check", NULL, "", 0, NULL), RPC_OK);
}

static void test_deadline_then_repeat(void **state)
{
	struct host *host = *state;
	int64_t start_ns = now_ns();
	struct rpc_bytes bytes = ask_info("hold", "id", 60000);
	int fd = raw_open(host->ipc);
	struct rpc_bytes reply;

	ask_expect(host->ipc, ask_info("hold", "id", 50), RPC_DEADLINE_EXCEEDED);
	assert_true(now_ns() - start_ns >= 50 * NS_PER_MS);
	ask_expect(host->ipc, ask_info("other", "id", 50), RPC_INVALID_ARGUMENT);
	raw_send(fd, true, 1, bytes.data, bytes.len);
	fake_wait_held(host->fake, 1);
	fake_finish(host->fake);
	reply = raw_receive(fd, true, 1);
	assert_non_null(reply.data);
	ask_expect(host->ipc, ask_info("hold", "id", 0), RPC_OK);
	assert_int_equal(fake_runs(host->fake), 1);
	rpc_bytes_free(&reply);
	rpc_bytes_free(&bytes);
	close(fd);
}

/* 16 contexts: 8 for changes, 4 for reads, 4 to say no. */
static void test_full_queue_says_so(void **state)
{
	struct host *host = *state;
	struct rpc_bytes hold = bind_request("hold", "", 60000, NULL);
	int fds[8];

	for (unsigned i = 0; i < 8; i++) {
		fds[i] = raw_open(host->ipc);
		raw_send(fds[i], true, i, hold.data, hold.len);
		fake_wait_held(host->fake, i + 1);
	}
	ask_expect(host->ipc, bind_request("x", "", 0, NULL), RPC_RESOURCE_EXHAUSTED);
	ask_expect(host->ipc, ask_info("x", "", 0), RPC_OK);
	fake_finish(host->fake);
	for (unsigned i = 0; i < 8; i++) {
		struct rpc_bytes reply = raw_receive(fds[i], true, i);

		assert_non_null(reply.data);
		rpc_bytes_free(&reply);
		close(fds[i]);
	}
	ask_expect(host->ipc, bind_request("x", "", 0, NULL), RPC_OK);
	rpc_bytes_free(&hold);
}

static void test_caller_may_leave(void **state)
{
	struct host *host = *state;
	struct rpc_bytes hold = ask_info("hold", "", 60000);
	int fd = raw_open(host->ipc);

	raw_send(fd, true, 1, hold.data, hold.len);
	fake_wait_held(host->fake, 1);
	close(fd);
	fake_finish(host->fake);
	ask_expect(host->ipc, ask_info("x", "", 0), RPC_OK);
	rpc_bytes_free(&hold);
}

static void test_health(void **state)
{
	struct host *host = *state;
	Rpc__V1__HealthCheckRequest request = RPC__V1__HEALTH_CHECK_REQUEST__INIT;
	Rpc__V1__HealthCheckResponse *health;
	Rpc__V1__Response *response;
	struct rpc_bytes bytes;

	request.service = (char *)(uintptr_t) "vfio.v1.DeviceService";
	rpc_health_set(host->health, false);
	bytes = raw_request("rpc.v1.Health/Check", &request.base, "abc", 0, NULL);
	response = raw_call(host->ipc, bytes.data, bytes.len);
	assert_string_equal(response->request_id, "abc");
	health = rpc__v1__health_check_response__unpack(
		NULL, response->payload.len, response->payload.data);
	assert_int_equal(
		health->status, RPC__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING);
	rpc__v1__health_check_response__free_unpacked(health, NULL);
	rpc__v1__response__free_unpacked(response, NULL);
	rpc_bytes_free(&bytes);
	request.service = (char *)(uintptr_t) "no.such.Service";
	ask_expect(host->ipc, raw_request("rpc.v1.Health/Check", &request.base, "", 0, NULL),
		RPC_NOT_FOUND);
}

static bool has_file(const Google__Protobuf__FileDescriptorSet *set, const char *name)
{
	for (size_t i = 0; i < set->n_file; i++) {
		if (strcmp(set->file[i]->name, name) == 0)
			return true;
	}
	return false;
}

static void test_reflection(void **state)
{
	struct host *host = *state;
	struct rpc_bytes bytes =
		raw_request("rpc.v1.Reflection/GetFileDescriptorSet", NULL, "", 0, NULL);
	Rpc__V1__Response *response = raw_call(host->tcp, bytes.data, bytes.len);
	Google__Protobuf__FileDescriptorSet *set = google__protobuf__file_descriptor_set__unpack(
		NULL, response->payload.len, response->payload.data);

	assert_non_null(set);
	assert_true(has_file(set, "vfio/v1/device_service.proto"));
	assert_true(has_file(set, "rpc/v1/rpc.proto"));
	assert_int_equal(response->payload.len, rpc_descriptor_set_size);
	google__protobuf__file_descriptor_set__free_unpacked(set, NULL);
	rpc__v1__response__free_unpacked(response, NULL);
	rpc_bytes_free(&bytes);
}

static void test_stop_answers_what_waits(void **state)
{
	struct host *host = *state;
	struct rpc_bytes hold = ask_info("hold", "", 60000);
	Rpc__V1__Response *response;
	struct fault fault;
	struct rpc_bytes reply;
	int fd = raw_open(host->ipc);

	raw_send(fd, true, 1, hold.data, hold.len);
	fake_wait_held(host->fake, 1);
	rpc_server_stop(host->server, 10);
	reply = raw_receive(fd, true, 1);
	assert_int_equal(rpc_envelope_decode_response(reply.data, reply.len, &response, &fault), 0);
	assert_int_equal(ask_code(response), RPC_UNAVAILABLE);
	assert_int_equal(access(host->path, F_OK), -1);
	rpc__v1__response__free_unpacked(response, NULL);
	rpc_bytes_free(&reply);
	rpc_bytes_free(&hold);
	close(fd);
}

static void expect_no_start(struct host *host, const char *url, int error_number, const char *says)
{
	const struct rpc_server_config config = {
		.urls = url, .services = host->services, .ipc_gid = (gid_t)-1};
	struct rpc_server *server = NULL;
	struct fault fault = {""};

	assert_int_equal(rpc_server_start(&config, &server, &fault), -error_number);
	assert_null(server);
	assert_non_null(strstr(fault.text, says));
}

static void test_refuses_to_start(void **state)
{
	struct host *host = *state;
	char taken[128];

	expect_no_start(host, "tcp://0.0.0.0:0", EINVAL, "loopback");
	expect_no_start(host, "tcp://192.0.2.1:0", EINVAL, "loopback");
	expect_no_start(host, "tls+tcp://127.0.0.1:0", EINVAL, "API key");
	expect_no_start(host, "http://127.0.0.1:0", EINVAL, "starts with");
	expect_no_start(host, "", EINVAL, "no RPC listener");
	expect_no_start(host, "ipc:///nonexistent/folder/socket", EIO, "folder");
	expect_no_start(host, host->ipc, EADDRINUSE, "another process");
	expect_no_start(host, "ipc:///dev/null", EEXIST, "something else");
	snprintf(taken, sizeof(taken), "tcp://127.0.0.1:0,%s", host->tcp);
	expect_no_start(host, taken, EADDRINUSE, "cannot listen");
	ask_expect(host->ipc, ask_info("x", "", 0), RPC_OK);
}

static void test_replaces_a_stale_socket(void **state)
{
	struct host *host = *state;
	char aside[64];

	/* The server removes the socket at its end; one that was moved away looks abandoned. */
	snprintf(aside, sizeof(aside), "%s-aside", host->path);
	assert_int_equal(link(host->path, aside), 0);
	rpc_server_stop(host->server, 0);
	assert_int_equal(rename(aside, host->path), 0);
	host_restart(host);
	ask_expect(host->ipc, ask_info("x", "", 0), RPC_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ask_setup, ask_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_answers_on_every_transport),
		TEST(test_socket_has_its_mode),
		TEST(test_peer_is_known),
		TEST(test_garbage_is_answered),
		TEST(test_truncations_are_answered),
		TEST(test_bad_payload_is_answered),
		TEST(test_oversize_is_answered),
		TEST(test_hostile_length_ends_the_connection),
		TEST(test_changes_need_the_right),
		cmocka_unit_test_setup_teardown(
			test_key_opens_tcp, ask_setup_with_key, ask_teardown),
		TEST(test_deadline_then_repeat),
		TEST(test_full_queue_says_so),
		TEST(test_caller_may_leave),
		TEST(test_health),
		TEST(test_reflection),
		TEST(test_stop_answers_what_waits),
		TEST(test_refuses_to_start),
		TEST(test_replaces_a_stale_socket),
	};

	return cmocka_run_group_tests_name("rpc server", tests, NULL, NULL);
}
