/* SPDX-License-Identifier: MIT */
/* The server as a client sees it that knows the wire and nothing else. */
#include "tests/rpc/test.h"

#include "rpc/nng/publisher.h"
#include "rpc/service/health.h"
#include "tests/rpc/nng/host.h"
#include "tests/rpc/nng/raw.h"

#include "google/protobuf/descriptor.pb-c.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BIND "vfio.v1.DeviceService/BindDevices"
#define INFO "vfio.v1.DeviceService/GetDeviceInfo"

static int setup(void **state)
{
	*state = host_start(NULL);
	return 0;
}

static int setup_with_key(void **state)
{
	*state = host_start("secret");
	return 0;
}

static int teardown(void **state)
{
	host_stop(*state);
	return 0;
}

static struct rpc_bytes info_request(const char *address, const char *id, uint32_t timeout_ms)
{
	Vfio__V1__GetDeviceInfoRequest info = VFIO__V1__GET_DEVICE_INFO_REQUEST__INIT;

	info.pci_address = (char *)(uintptr_t)address;
	return raw_request(INFO, &info.base, id, timeout_ms, NULL);
}

static struct rpc_bytes bind_request(
	const char *address, const char *id, uint32_t timeout_ms, const char *const metadata[2])
{
	char *addresses[] = {(char *)(uintptr_t)address};
	Vfio__V1__BindDevicesRequest bind = VFIO__V1__BIND_DEVICES_REQUEST__INIT;

	bind.pci_addresses = addresses;
	bind.n_pci_addresses = 1;
	return raw_request(BIND, &bind.base, id, timeout_ms, metadata);
}

static int code_of(const Rpc__V1__Response *response)
{
	return response->status ? response->status->code : RPC_OK;
}

/* Sends the bytes, which are freed, and expects a code. */
static void expect(const char *url, struct rpc_bytes bytes, int code)
{
	Rpc__V1__Response *response = raw_call(url, bytes.data, bytes.len);

	if (code_of(response) != code)
		fail_msg("%s instead of %s: %s", rpc_code_name(code_of(response)),
			rpc_code_name(code), response->status ? response->status->message : "");
	rpc__v1__response__free_unpacked(response, NULL);
	rpc_bytes_free(&bytes);
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

	expect(host->ipc, info_request("x", "", 0), RPC_OK);
	expect(host->tcp, info_request("x", "", 0), RPC_OK);
	expect(host->ipc, info_request("missing", "", 0), RPC_NOT_FOUND);
	expect(host->ipc, info_request("big", "", 0), RPC_OK);
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
	struct rpc_bytes bytes = info_request("x", "", 0);
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

	expect(host->ipc, bytes_of("", 0), RPC_UNIMPLEMENTED);
	expect(host->ipc, bytes_of("\xff\xff\xff\xff", 4), RPC_INVALID_ARGUMENT);
	expect(host->ipc, bytes_of("\x0a\x05xx", 4), RPC_INVALID_ARGUMENT);
	expect(host->tcp, bytes_of("GET / HTTP/1.1\r\n\r\n", 18), RPC_INVALID_ARGUMENT);
	expect(host->ipc, bytes_of("\x0a\x02\xc0\x80", 4), RPC_INVALID_ARGUMENT);
	expect(host->ipc, bytes_of("\x22\x03i\0d", 5), RPC_INVALID_ARGUMENT);
	expect(host->ipc, raw_request("no.such/Method", NULL, "", 0, NULL), RPC_UNIMPLEMENTED);
	expect(host->ipc, raw_request("vfio.v1.DeviceService/", NULL, "", 0, NULL),
		RPC_UNIMPLEMENTED);
	expect(host->ipc, info_request("x", "", 0), RPC_OK);
}

static void test_truncations_are_answered(void **state)
{
	struct host *host = *state;
	struct rpc_bytes whole = info_request("0000:01:00.0", "some-id", 1000);
	int fd = raw_open(host->ipc);

	for (size_t len = 0; len < whole.len; len++) {
		Rpc__V1__Response *response = NULL;
		char error[RPC_TEXT_ERROR];
		struct rpc_bytes reply;

		raw_send(fd, true, (uint32_t)len, whole.data, len);
		reply = raw_receive(fd, true, (uint32_t)len);
		assert_int_equal(
			rpc_envelope_decode_response(reply.data, reply.len, &response, error), 0);
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

	expect(host->ipc, with_payload("\x0a", 1), RPC_INVALID_ARGUMENT);
	expect(host->ipc, with_payload("\x0a\x03x\0y", 5), RPC_INVALID_ARGUMENT);
	expect(host->ipc, with_payload("\x0a\x01\xff", 3), RPC_INVALID_ARGUMENT);
	expect(host->ipc, with_payload("\x08\x01", 2), RPC_INVALID_ARGUMENT);
	assert_int_equal(fake_runs(host->fake), 0);
}

static void test_oversize_is_answered(void **state)
{
	struct host *host = *state;
	char *address = malloc(RPC_REQUEST_MAX + 1);

	memset(address, 'x', RPC_REQUEST_MAX);
	address[RPC_REQUEST_MAX] = '\0';
	expect(host->ipc, info_request(address, "", 0), RPC_INVALID_ARGUMENT);
	expect(host->tcp, info_request(address, "", 0), RPC_INVALID_ARGUMENT);
	address[RPC_REQUEST_MAX - 100] = '\0';
	expect(host->ipc, info_request(address, "", 0), RPC_OK);
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
	expect(host->ipc, info_request("x", "", 0), RPC_OK);
}

static void test_changes_need_the_right(void **state)
{
	struct host *host = *state;

	expect(host->tcp, bind_request("x", "", 0, NULL), RPC_PERMISSION_DENIED);
	assert_int_equal(fake_runs(host->fake), 0);
	expect(host->ipc, bind_request("x", "", 0, NULL),
		getuid() == 0 ? RPC_OK : RPC_PERMISSION_DENIED);
}

static void test_key_opens_tcp(void **state)
{
	static const char *const right[] = {"authorization", "Bearer secret"};
	static const char *const wrong[] = {"authorization", "Bearer secre"};
	struct host *host = *state;

	expect(host->tcp, info_request("x", "", 0), RPC_UNAUTHENTICATED);
	expect(host->tcp, bind_request("x", "", 0, wrong), RPC_UNAUTHENTICATED);
	expect(host->tcp, bind_request("x", "", 0, right), RPC_OK);
	expect(host->ipc, info_request("x", "", 0), RPC_OK);
	expect(host->tcp, raw_request("rpc.v1.Health/Check", NULL, "", 0, NULL), RPC_OK);
}

static void test_deadline_then_repeat(void **state)
{
	struct host *host = *state;
	int64_t start_ns = rpc_now_ns();
	struct rpc_bytes bytes = info_request("hold", "id", 60000);
	int fd = raw_open(host->ipc);
	struct rpc_bytes reply;

	expect(host->ipc, info_request("hold", "id", 50), RPC_DEADLINE_EXCEEDED);
	assert_true(rpc_now_ns() - start_ns >= 50 * 1000000LL);
	expect(host->ipc, info_request("other", "id", 50), RPC_INVALID_ARGUMENT);
	raw_send(fd, true, 1, bytes.data, bytes.len);
	fake_wait_held(host->fake, 1);
	fake_finish(host->fake);
	reply = raw_receive(fd, true, 1);
	assert_non_null(reply.data);
	expect(host->ipc, info_request("hold", "id", 0), RPC_OK);
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
	expect(host->ipc, bind_request("x", "", 0, NULL), RPC_RESOURCE_EXHAUSTED);
	expect(host->ipc, info_request("x", "", 0), RPC_OK);
	fake_finish(host->fake);
	for (unsigned i = 0; i < 8; i++) {
		struct rpc_bytes reply = raw_receive(fds[i], true, i);

		assert_non_null(reply.data);
		rpc_bytes_free(&reply);
		close(fds[i]);
	}
	expect(host->ipc, bind_request("x", "", 0, NULL), RPC_OK);
	rpc_bytes_free(&hold);
}

static void test_caller_may_leave(void **state)
{
	struct host *host = *state;
	struct rpc_bytes hold = info_request("hold", "", 60000);
	int fd = raw_open(host->ipc);

	raw_send(fd, true, 1, hold.data, hold.len);
	fake_wait_held(host->fake, 1);
	close(fd);
	fake_finish(host->fake);
	expect(host->ipc, info_request("x", "", 0), RPC_OK);
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
	expect(host->ipc, raw_request("rpc.v1.Health/Check", &request.base, "", 0, NULL),
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

/* Asks over a connection and expects an answer over it. */
static void expect_over(int fd, bool ipc, const struct rpc_bytes *request)
{
	Rpc__V1__Response *response = NULL;
	char error[RPC_TEXT_ERROR];
	struct rpc_bytes reply;

	raw_send(fd, ipc, 1, request->data, request->len);
	reply = raw_receive(fd, ipc, 1);
	assert_non_null(reply.data);
	assert_int_equal(rpc_envelope_decode_response(reply.data, reply.len, &response, error), 0);
	assert_int_equal(code_of(response), RPC_OK);
	rpc__v1__response__free_unpacked(response, NULL);
	rpc_bytes_free(&reply);
}

/* A client that was there before has its connection still, and one that comes is served: with
 * another listener in the process, as vfiod has one for events, and whichever of the two it is. */
static void test_bare_connects_do_no_harm(void **state)
{
	struct host *host = *state;
	const char *const urls[] = {host->ipc, host->tcp};
	struct rpc_publisher *publisher = NULL;
	struct rpc_bytes bytes = info_request("x", "", 0);
	char events[64], error[RPC_TEXT_ERROR];

	snprintf(events, sizeof(events), "ipc://%s-events", host->path);
	assert_int_equal(rpc_publisher_open(events, (gid_t)-1, &publisher, error), 0);
	for (int i = 0; i < 2; i++) {
		int kept = raw_open(urls[i]);

		for (int n = 0; n < 1000; n++)
			close(raw_connect(urls[i]));
		expect_over(kept, i == 0, &bytes);
		expect(urls[i], info_request("x", "", 0), RPC_OK);
		close(kept);
	}
	rpc_publisher_close(publisher);
	rpc_bytes_free(&bytes);
}

static unsigned count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* nng 1.5 by itself would let go of no connection any more after a few of these (rpc/nng/mend.c).
 */
static void test_clients_that_leave_take_all_with_them(void **state)
{
	struct host *host = *state;
	struct rpc_bytes big = info_request("big", "", 0);
	unsigned before = count_fds();
	int64_t until_ns;

	for (int i = 0; i < 24; i++) {
		const char *url = i % 2 ? host->tcp : host->ipc;
		int fd = raw_open(url);

		for (uint32_t n = 0; n < 3u << i % 3; n++)
			raw_send(fd, i % 2 == 0, n, big.data, big.len);
		close(fd);
	}
	until_ns = rpc_now_ns() + 60000 * 1000000LL;
	while (count_fds() > before) {
		assert_true(rpc_now_ns() < until_ns);
		poll(NULL, 0, 10); /* nobody tells */
	}
	expect(host->ipc, info_request("x", "", 0), RPC_OK);
	expect(host->tcp, info_request("x", "", 0), RPC_OK);
	rpc_bytes_free(&big);
}

/* Hung up on; false: not within so many seconds. */
static bool is_let_go(int fd, int seconds)
{
	struct pollfd end = {.fd = fd, .events = POLLRDHUP};

	return poll(&end, 1, seconds * 1000) == 1 && (end.revents & (POLLRDHUP | POLLHUP));
}

static void close_all(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
}

/* 512 places. Of those that never asked, who came first goes first; who did ask stays. */
/* A client asks more than there are contexts for, and goes. */
static void test_lost_connection_frees_its_contexts(void **state)
{
	struct host *host = *state;
	struct rpc_bytes request = info_request("x", "", 0);

	for (int i = 0; i < 6; i++) {
		const char *url = i % 2 ? host->tcp : host->ipc;
		int fd = raw_open(url);

		for (uint32_t n = 0; n < 1500; n++)
			raw_send(fd, i % 2 == 0, n, request.data, request.len);
		shutdown(fd, SHUT_RD); /* what is sent to it from here on fails */
		close(fd);
	}
	for (int i = 0; i < 10; i++)
		expect(i % 2 ? host->tcp : host->ipc, info_request("x", "", 0), RPC_OK);
	rpc_bytes_free(&request);
}

static void test_silent_connections_make_room(void **state)
{
	struct host *host = *state;
	const char *const urls[] = {host->ipc, host->tcp};
	struct rpc_bytes bytes = info_request("x", "", 0);

	for (int i = 0; i < 2; i++) {
		int used = raw_open(urls[i]), fds[600];

		expect_over(used, i == 0, &bytes);
		for (size_t n = 0; n < 600; n++)
			fds[n] = raw_open(urls[i]);
		assert_true(is_let_go(fds[0], 20));
		expect(urls[i], info_request("x", "", 0), RPC_OK);
		expect(urls[!i], info_request("x", "", 0), RPC_OK);
		expect_over(used, i == 0, &bytes);
		expect_over(fds[599], i == 0, &bytes);
		close_all(fds, 600);
		close(used);
	}
	rpc_bytes_free(&bytes);
}

/* A connection whose request is being served is not let go for another's. */
static void test_busy_connections_stay(void **state)
{
	struct host *host = *state;
	struct rpc_bytes hold = info_request("hold", "", 60000), reply;
	int busy = raw_open(host->ipc), fds[600];

	raw_send(busy, true, 1, hold.data, hold.len);
	fake_wait_held(host->fake, 1);
	for (size_t n = 0; n < 600; n++)
		fds[n] = raw_open(host->ipc);
	assert_true(is_let_go(fds[0], 20));
	fake_finish(host->fake);
	reply = raw_receive(busy, true, 1);
	assert_non_null(reply.data);
	close_all(fds, 600);
	close(busy);
	rpc_bytes_free(&reply);
	rpc_bytes_free(&hold);
}

/* Those that do not even greet cost no more descriptors than there are places. */
static void test_half_open_connections_make_room(void **state)
{
	struct host *host = *state;
	const char *const urls[] = {host->ipc, host->tcp};
	struct rpc_bytes bytes = info_request("x", "", 0);

	for (int i = 0; i < 2; i++) {
		unsigned before = count_fds();
		int used = raw_open(urls[i]), fds[1500];

		expect_over(used, i == 0, &bytes);
		for (size_t n = 0; n < 1500; n++)
			fds[n] = raw_connect(urls[i]);
		assert_true(is_let_go(fds[0], 20));
		for (int n = 0; n < 10; n++)
			expect(urls[i], info_request("x", "", 0), RPC_OK);
		size_t now = count_fds();
		assert_true(now >= 1500 && now <= before + 1500 + 2 + 512 + 64);
		expect_over(used, i == 0, &bytes);
		close_all(fds, 1500);
		close(used);
	}
	rpc_bytes_free(&bytes);
}

/* Replies to clients that take none wait apart, and these clients are let go, while others are
 * served at once: each of those would hold one of 16 contexts for two seconds. */
static void test_deaf_clients_do_not_starve_others(void **state)
{
	struct host *host = *state;
	struct rpc_bytes big = info_request("big", "", 0);
	int deaf[24];
	int64_t start_ns;

	for (size_t i = 0; i < 24; i++) {
		deaf[i] = raw_open(i % 2 ? host->tcp : host->ipc);
		for (uint32_t n = 0; n < 4; n++)
			raw_send(deaf[i], i % 2 == 0, n, big.data, big.len);
	}
	start_ns = rpc_now_ns();
	for (int i = 0; i < 50; i++)
		expect(i % 2 ? host->tcp : host->ipc, info_request("x", "", 0), RPC_OK);
	assert_true(rpc_now_ns() - start_ns < 5000 * 1000000LL); /* else 12 s at least */
	for (size_t i = 0; i < 24; i += 2)
		assert_true(is_let_go(deaf[i], 20));
	close_all(deaf, 24);
	rpc_bytes_free(&big);
}

/* Connections end by turns with replies half sent and requests in hand;
 * nng by itself could hang for good then, and keep each descriptor from then on. */
static void test_connections_end_half_closed(void **state)
{
	struct host *host = *state;
	struct rpc_bytes big = info_request("big", "", 0);
	unsigned before = count_fds();
	int64_t until_ns;
	char some[65536];

	for (unsigned i = 0; i < 100; i++) {
		int fd = raw_open(i % 2 ? host->tcp : host->ipc);

		for (uint32_t n = 0; n < 1 + i % 3; n++)
			raw_send(fd, i % 2 == 0, n, big.data, big.len);
		for (unsigned n = 0; n < i % 7; n++)
			assert_true(read(fd, some, sizeof(some)) > 0);
		if (i % 3 == 2)
			shutdown(fd, SHUT_WR);
		for (unsigned n = 0; n < i % 3; n++)
			if (read(fd, some, sizeof(some)) <= 0)
				break;
		close(fd);
	}
	until_ns = rpc_now_ns() + 60000 * 1000000LL;
	while (count_fds() > before) {
		assert_true(rpc_now_ns() < until_ns);
		poll(NULL, 0, 10); /* nobody tells */
	}
	expect(host->ipc, info_request("x", "", 0), RPC_OK);
	expect(host->tcp, info_request("x", "", 0), RPC_OK);
	rpc_bytes_free(&big);
}

/* Subscribers are bounded as callers are. */
static void test_subscribers_make_room(void **state)
{
	static const uint8_t hello[] = {0, 'S', 'P', 0, 0, 0x21, 0, 0};
	struct host *host = *state;
	struct rpc_publisher *publisher = NULL;
	char events[64], error[RPC_TEXT_ERROR];
	int fds[600];

	snprintf(events, sizeof(events), "ipc://%s-events", host->path);
	assert_int_equal(rpc_publisher_open(events, (gid_t)-1, &publisher, error), 0);
	for (size_t i = 0; i < 600; i++) {
		uint8_t theirs[8];

		fds[i] = raw_connect(events);
		assert_int_equal(write(fds[i], hello, sizeof(hello)), sizeof(hello));
		assert_int_equal(recv(fds[i], theirs, sizeof(theirs), MSG_WAITALL), sizeof(theirs));
	}
	assert_true(is_let_go(fds[0], 20));
	assert_false(is_let_go(fds[599], 0));
	close_all(fds, 600);
	rpc_publisher_close(publisher);
}

static void test_stop_answers_what_waits(void **state)
{
	struct host *host = *state;
	struct rpc_bytes hold = info_request("hold", "", 60000);
	Rpc__V1__Response *response;
	char error[RPC_TEXT_ERROR];
	struct rpc_bytes reply;
	int fd = raw_open(host->ipc);

	raw_send(fd, true, 1, hold.data, hold.len);
	fake_wait_held(host->fake, 1);
	rpc_server_stop(host->server, 10);
	reply = raw_receive(fd, true, 1);
	assert_int_equal(rpc_envelope_decode_response(reply.data, reply.len, &response, error), 0);
	assert_int_equal(code_of(response), RPC_UNAVAILABLE);
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
	char error[RPC_TEXT_ERROR] = "";

	assert_int_equal(rpc_server_start(&config, &server, error), -error_number);
	assert_null(server);
	assert_non_null(strstr(error, says));
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
	expect(host->ipc, info_request("x", "", 0), RPC_OK);
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
	expect(host->ipc, info_request("x", "", 0), RPC_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
		cmocka_unit_test_setup_teardown(test_key_opens_tcp, setup_with_key, teardown),
		TEST(test_deadline_then_repeat),
		TEST(test_full_queue_says_so),
		TEST(test_caller_may_leave),
		TEST(test_health),
		TEST(test_reflection),
		TEST(test_bare_connects_do_no_harm),
		TEST(test_clients_that_leave_take_all_with_them),
		TEST(test_lost_connection_frees_its_contexts),
		TEST(test_silent_connections_make_room),
		TEST(test_busy_connections_stay),
		TEST(test_half_open_connections_make_room),
		TEST(test_deaf_clients_do_not_starve_others),
		TEST(test_connections_end_half_closed),
		TEST(test_subscribers_make_room),
		TEST(test_stop_answers_what_waits),
		TEST(test_refuses_to_start),
		TEST(test_replaces_a_stale_socket),
	};

	/* Clients and server are one process here. */
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){4096, 4096});
	return cmocka_run_group_tests_name("rpc server", tests, NULL, NULL);
}
