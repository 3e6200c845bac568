/* SPDX-License-Identifier: MIT */
/* A user database that does not answer: whoever needs it waits, and nobody else does. */
#include "tests/rpc/test.h"

#include "core/base/clock.h"
#include "rest/server.h"
#include "rpc/nng/server.h"
#include "tests/rest/http_client.h"
#include "tests/rpc/nng/raw.h"
#include "tests/rpc/service/fake.h"
#include "tools/vfiod/access/lookups.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BIND "POST /api/v1/vfio/devices/bind HTTP/1.1\r\n"
#define INFO "POST /api/v1/vfio/devices/info HTTP/1.1\r\n"
#define REST                                                                                       \
	"Host: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"               \
	"Connection: close\r\n\r\n{}"
#define HEALTH "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

enum { STRANGERS = 6 };

/* Both faces of one fake service, with one loop and few contexts. */
struct scene {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool shut; /* the database does not answer */
	int questions;

	struct lookups *lookups;
	struct rpc_rights rights;
	struct fake *fake;
	ProtobufCService *services[2];
	struct rest_access access;
	struct rest_server *rest;
	int listen_fd;
	unsigned port;
	struct rpc_server *rpc;
	char folder[32], url[64];
};

static int may(void *arg, uid_t uid)
{
	struct scene *s = arg;

	(void)uid;
	pthread_mutex_lock(&s->lock);
	s->questions++;
	pthread_cond_broadcast(&s->changed);
	while (s->shut)
		pthread_cond_wait(&s->changed, &s->lock);
	pthread_mutex_unlock(&s->lock);
	return 1;
}

static void ask(void *arg, uid_t uid, gid_t gid, rpc_rights_done done, void *done_arg)
{
	struct scene *s = arg;

	(void)gid;
	lookups_ask(s->lookups, uid, done, done_arg);
}

static void open_database(struct scene *s)
{
	pthread_mutex_lock(&s->lock);
	s->shut = false;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

static void wait_for_question(struct scene *s)
{
	pthread_mutex_lock(&s->lock);
	while (s->questions == 0)
		pthread_cond_wait(&s->changed, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

static void start_rest(struct scene *s, uint32_t timeout_ms)
{
	struct fault fault = {""};

	s->listen_fd = http_listen(&s->port);
	const struct rest_config config = {.listen_fd = s->listen_fd,
		.threads = 1,
		.timeout_ms = timeout_ms,
		.ask_owner = true,
		.access = &s->access,
		.services = s->services,
		.rights = &s->rights};

	if (rest_server_start(&config, &s->rest, &fault) < 0)
		fail_msg("%s", fault.text);
}

static void start_rpc(struct scene *s)
{
	struct fault fault;

	strcpy(s->folder, "/tmp/vfiod-slow-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	snprintf(s->url, sizeof(s->url), "ipc://%s/s", s->folder);
	const struct rpc_server_config config = {.urls = s->url,
		.services = s->services,
		.contexts = 16,
		.ipc_gid = (gid_t)-1,
		.rights = &s->rights};

	if (rpc_server_start(&config, &s->rpc, &fault) < 0)
		fail_msg("%s", fault.text);
}

static struct scene *scene_new(uint32_t timeout_ms)
{
	struct scene *s = calloc(1, sizeof(*s));
	const struct lookups_config config = {
		.may = may, .arg = s, .keep_ns = NS_PER_S, .users = 8, .threads = 2, .waiting = 32};

	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	s->shut = true;
	s->lookups = lookups_new(&config);
	s->rights = (struct rpc_rights){ask, s};
	s->fake = fake_new();
	s->services[0] = fake_service(s->fake);
	start_rest(s, timeout_ms);
	start_rpc(s);
	return s;
}

static void scene_free(struct scene *s)
{
	rest_server_free(s->rest);
	rpc_server_free(s->rpc);
	open_database(s);
	assert_true(lookups_drain(s->lookups, now_ns() + 60 * NS_PER_S));
	lookups_free(s->lookups);
	fake_free(s->fake);
	close(s->listen_fd);
	rmdir(s->folder);
	free(s);
}

static int http_ask(struct scene *s, const char *request)
{
	int fd = http_connect(s->port);

	http_send_text(fd, request);
	return fd;
}

static void http_expect(int fd, int status, const char *text)
{
	struct http_answer answer;

	http_read(fd, &answer, true);
	if (answer.status != status || !strstr(answer.body, text))
		fail_msg("not %d with %s: %d %s", status, text, answer.status, answer.body);
	http_answer_clear(&answer);
	close(fd);
}

static int rpc_ask_bind(struct scene *s, uint32_t id, uint32_t timeout_ms)
{
	const Vfio__V1__BindDevicesRequest bind = VFIO__V1__BIND_DEVICES_REQUEST__INIT;
	struct rpc_bytes bytes = raw_request("vfio.v1.DeviceService/BindDevices", &bind.base,
		"one and the same", timeout_ms, NULL);
	int fd = raw_open(s->url);

	raw_send(fd, true, id, bytes.data, bytes.len);
	rpc_bytes_free(&bytes);
	return fd;
}

static void rpc_expect_bind(int fd, uint32_t id, int code)
{
	struct rpc_bytes bytes = raw_receive(fd, true, id);
	Rpc__V1__Response *response = rpc__v1__response__unpack(NULL, bytes.len, bytes.data);

	assert_non_null(response);
	assert_int_equal(response->status ? response->status->code : RPC_OK, code);
	rpc__v1__response__free_unpacked(response, NULL);
	rpc_bytes_free(&bytes);
	close(fd);
}

static void rpc_expect_info(struct scene *s)
{
	Vfio__V1__GetDeviceInfoRequest info = VFIO__V1__GET_DEVICE_INFO_REQUEST__INIT;
	struct rpc_bytes bytes =
		raw_request("vfio.v1.DeviceService/GetDeviceInfo", &info.base, "", 0, NULL);
	Rpc__V1__Response *response = raw_call(s->url, bytes.data, bytes.len);

	assert_true(!response->status || response->status->code == RPC_OK);
	rpc__v1__response__free_unpacked(response, NULL);
	rpc_bytes_free(&bytes);
}

static void test_nobody_else_waits(void **state)
{
	struct scene *s = scene_new(0);
	int http[STRANGERS], rpc[STRANGERS];

	(void)state;
	for (uint32_t i = 0; i < STRANGERS; i++) {
		http[i] = http_ask(s, BIND REST);
		rpc[i] = rpc_ask_bind(s, 0x80000001u + i, 0);
	}
	wait_for_question(s);
	for (int i = 0; i < 20; i++) {
		http_expect(http_ask(s, HEALTH), 200, "ok");
		http_expect(http_ask(s, INFO REST), 200, "address");
		rpc_expect_info(s);
	}
	assert_int_equal(fake_runs(s->fake), 40);
	open_database(s);
	for (uint32_t i = 0; i < STRANGERS; i++) {
		http_expect(http[i], 200, "\"success\":true");
		rpc_expect_bind(rpc[i], 0x80000001u + i, RPC_OK);
	}
	/* One question for all of them, and one run for all repeats of one request. */
	assert_int_equal(s->questions, 1);
	assert_int_equal(fake_runs(s->fake), 40 + STRANGERS + 1);
	scene_free(s);
}

/* Answered at its deadline, and never started after it. */
static void test_deadline(void **state)
{
	struct scene *s = scene_new(300);
	int http, rpc;

	(void)state;
	http = http_ask(s, BIND REST);
	rpc = rpc_ask_bind(s, 0x80000001u, 300);
	http_expect(http, 504, "DEADLINE_EXCEEDED");
	rpc_expect_bind(rpc, 0x80000001u, RPC_DEADLINE_EXCEEDED);
	open_database(s);
	assert_true(lookups_drain(s->lookups, now_ns() + 60 * NS_PER_S));
	assert_int_equal(fake_runs(s->fake), 0);
	scene_free(s);
}

/* Who has waited in vain may repeat the same request. */
static void test_a_repeat_is_started(void **state)
{
	struct scene *s = scene_new(0);
	int rpc;

	(void)state;
	rpc = rpc_ask_bind(s, 0x80000001u, 200);
	rpc_expect_bind(rpc, 0x80000001u, RPC_DEADLINE_EXCEEDED);
	open_database(s);
	/* Until the first one has ended, its outcome is that of the repeat. */
	for (int tries = 0; fake_runs(s->fake) == 0 && tries < 500; tries++) {
		rpc = rpc_ask_bind(s, 0x80000001u, 10000);
		struct rpc_bytes bytes = raw_receive(rpc, true, 0x80000001u);
		rpc_bytes_free(&bytes);
		close(rpc);
	}
	assert_int_equal(fake_runs(s->fake), 1);
	scene_free(s);
}

static void test_the_server_stops_meanwhile(void **state)
{
	struct scene *s = scene_new(0);
	int http, rpc;

	(void)state;
	http = http_ask(s, BIND REST);
	rpc = rpc_ask_bind(s, 0x80000001u, 0);
	wait_for_question(s);
	rest_server_stop(s->rest, 100);
	http_expect(http, 503, "UNAVAILABLE");
	rpc_server_stop(s->rpc, 100);
	close(rpc);
	scene_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody_else_waits),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_a_repeat_is_started),
		cmocka_unit_test(test_the_server_stops_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
