/* SPDX-License-Identifier: MIT */
/* A vfiod of the doors' own, on a simulated host. */
#include "tests/doors/ground.h"

#include "core/base/util.h"
#include "tests/rpc/nng/raw.h"
#include "vfio/v1/device_service.pb-c.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

enum { PATIENCE_S = 20 };

#define SERVICE "vfio.v1.DeviceService/"

void ground_open(struct ground *g, const char *vfiod, bool one_heap)
{
	struct why why = {"it did not come up"};
	json_t *variant = json_pack("{s[s]s{ss*}}", "args",
		"--rpc=ipc://{dir}/run/rpc.sock,tcp://127.0.0.1:{tcp}", "env", "MALLOC_ARENA_MAX",
		one_heap ? "1" : NULL);

	g->daemon = daemon_start(vfiod, variant, &why);
	json_decref(variant);
	if (g->daemon && daemon_is_up(g->daemon))
		return;
	fprintf(stderr, "%s\n%s\n", why.text, g->daemon ? g->daemon->said.data : "");
	abort();
}

int ground_close(struct ground *g)
{
	int status = daemon_stop(g->daemon);

	if (status != 0)
		fprintf(stderr, "vfiod said: %s\n", g->daemon->said.data);
	daemon_free(g->daemon);
	g->daemon = NULL;
	return status;
}

void ground_control(const struct ground *g, const char *fmt, ...)
{
	char path[96], line[256];
	va_list args;

	va_start(args, fmt);
	int len = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	snprintf(path, sizeof(path), "%s/control", g->daemon->root);
	CLEANUP(fd_cleanup) int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, line, (size_t)len) != len) {
		perror(line);
		abort();
	}
}

int ground_connect(const struct ground *g, enum ground_door door)
{
	const struct timeval timeout = {.tv_sec = PATIENCE_S};
	struct why why = {""};
	int fd = door == DOOR_HTTP ? http_connect(&g->daemon->http, NULL, &why)
				   : raw_connect(g->daemon->rpc[door]);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0) {
		fprintf(stderr, "%s\n", why.text);
		abort();
	}
	return fd;
}

void ground_hang_up(struct ground *g)
{
	for (int i = 0; i < 2; i++) {
		fd_cleanup(&g->daemon->rpc_fd[i]);
		g->daemon->rpc_fd[i] = -1;
	}
}

bool ground_http(
	const struct ground *g, const char *request, struct http_answer *ret, struct why *why)
{
	CLEANUP(fd_cleanup) int fd = ground_connect(g, DOOR_HTTP);

	http_send(fd, request, strlen(request));
	return http_read(fd, true, ret, why);
}

void ground_post(struct bytes *out, const char *operation, const char *json)
{
	bytes_print(out,
		"POST /api/v1/vfio/devices/%s HTTP/1.1\r\n" HTTP_HOST HTTP_JSON
		"Content-Length: %zu\r\n\r\n",
		operation, strlen(json));
	bytes_add(out, json, strlen(json));
}

static bool ask_http(
	const struct ground *g, const char *request, struct bytes *ret, struct why *why)
{
	struct http_answer answer = {0};
	bool ok = ground_http(g, request, &answer, why);

	if (ok)
		bytes_print(ret, "%d ", answer.status);
	bytes_add(ret, answer.body.data, answer.body.len);
	http_answer_clear(&answer);
	return ok;
}

static bool ask_http_all(const struct ground *g, struct bytes *ret, struct why *why)
{
	static const char *const gets[] = {"/healthz", "/openapi", "/api/v1/vfio/devices", "/no"};
	static const char *const posts[][2] = {
		{"info", "{\"pci_address\":\"0000:01:00.0\"}"},
		{"info", "{\"pci_address\":\"../../etc\"}"},
		{"validate", "{\"pci_addresses\":[\"0000:02:00.0\",\"0000:03:00.0\"]}"},
		{"iommu-groups", "{\"pci_addresses\":[\"0000:05:10.0\"]}"},
		{"group-paths", "{\"pci_addresses\":[\"0000:01:00.0\"]}"},
		{"bind", "{\"pci_addresses\":[\"0000:08:00.0\"],\"dry_run\":true}"},
	};
	bool ok = true;

	for (size_t i = 0; ok && i < ARRAY_SIZE(gets); i++) {
		char request[128];

		snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n" HTTP_HOST "\r\n", gets[i]);
		ok = ask_http(g, request, ret, why);
	}
	for (size_t i = 0; ok && i < ARRAY_SIZE(posts); i++) {
		struct bytes request = {0};

		ground_post(&request, posts[i][0], posts[i][1]);
		ok = ask_http(g, request.data, ret, why);
		bytes_clear(&request);
	}
	return ok;
}

static bool ask_rpc(
	const char *url, const struct rpc_bytes *request, struct bytes *ret, struct why *why)
{
	CLEANUP(rpc_bytes_free) struct rpc_bytes reply = {0};
	CLEANUP(fd_cleanup) int fd = raw_try_open(url, PATIENCE_S);
	bool ipc = url[0] == 'i';

	if (fd >= 0) {
		raw_send(fd, ipc, 7, request->data, request->len);
		reply = raw_receive(fd, ipc, 7);
	}
	if (!reply.data)
		return why_not(why, "no reply over %s", url);
	bytes_add(ret, reply.data, reply.len);
	return true;
}

static bool ask_rpc_all(const char *url, struct bytes *ret, struct why *why)
{
	static const char *const methods[] = {"rpc.v1.Health/Check", SERVICE "ListDevices",
		"rpc.v1.Reflection/GetFileDescriptorSet", SERVICE "ValidateDevices",
		"no.such/Method"};
	Vfio__V1__GetDeviceInfoRequest info = VFIO__V1__GET_DEVICE_INFO_REQUEST__INIT;
	struct rpc_bytes request;
	bool ok = true;

	info.pci_address = (char *)(uintptr_t) "0000:01:00.0";
	request = raw_request(SERVICE "GetDeviceInfo", &info.base, "", 0, NULL);
	ok = ask_rpc(url, &request, ret, why);
	rpc_bytes_free(&request);
	for (size_t i = 0; ok && i < ARRAY_SIZE(methods); i++) {
		request = raw_request(methods[i], NULL, "", 0, NULL);
		ok = ask_rpc(url, &request, ret, why);
		rpc_bytes_free(&request);
	}
	return ok;
}

bool ground_answers(struct ground *g, struct bytes *ret, struct why *why)
{
	return ask_http_all(g, ret, why) && ask_rpc_all(g->daemon->rpc[DOOR_IPC], ret, why) &&
	       ask_rpc_all(g->daemon->rpc[DOOR_TCP], ret, why);
}
