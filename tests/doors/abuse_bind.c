/* SPDX-License-Identifier: MIT */
/* Clients that leave while their change is under way: it ends wholly done or wholly not. */
#include "tests/doors/abuse.h"

#include "core/base/clock.h"
#include "core/base/util.h"
#include "tests/rpc/nng/raw.h"
#include "vfio/v1/device_service.pb-c.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DEVICE "0000:02:00.0"
#define NATIVE "e1000e"
#define LIST "{\"pci_addresses\":[\"" DEVICE "\"]}"

enum { CROWD = 100 };

/* The device's driver, "" for none. */
static const char *driver(const struct ground *g)
{
	static char target[256];
	char path[128];

	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/" DEVICE "/driver", g->daemon->root);
	ssize_t len = readlink(path, target, sizeof(target) - 1);
	target[len < 0 ? 0 : len] = '\0';
	const char *slash = strrchr(target, '/');
	return slash ? slash + 1 : target;
}

static void await_driver(const struct ground *g, const char *a, const char *b)
{
	int64_t until = now_ns() + 20 * NS_PER_S;

	while (strcmp(driver(g), a) != 0 && strcmp(driver(g), b) != 0) {
		assert_true(now_ns() < until);
		/* Nothing tells when a link of the simulated host changes. */
		poll(NULL, 0, 5);
	}
}

static void change(const struct ground *g, const char *operation)
{
	struct http_answer answer = {0};
	struct bytes request = {0};
	struct why why;

	ground_post(&request, operation, LIST);
	if (!ground_http(g, request.data, &answer, &why))
		fail_msg("%s: %s", operation, why.text);
	if (answer.status != 200)
		fail_msg("%s: %s", operation, answer.body.data);
	http_answer_clear(&answer);
	bytes_clear(&request);
}

/* Whether the device stays with its driver for a second: nothing else tells that no change is left
 * of those that somebody asked for and did not wait for. */
static bool is_left_alone(const struct ground *g)
{
	int64_t until = now_ns() + NS_PER_S;

	while (strcmp(driver(g), NATIVE) == 0) {
		if (now_ns() >= until)
			return true;
		poll(NULL, 0, 5);
	}
	return false;
}

/* Whether the device does as it is told; not while somebody else's change is still to be done. */
static bool is_obedient(const struct ground *g)
{
	change(g, "bind");
	if (strcmp(driver(g), "vfio-pci") != 0)
		return false;
	change(g, "unbind");
	return strcmp(driver(g), NATIVE) == 0;
}

/* Lets the unbind go on; then the device has one driver or the other, and once all who had asked
 * are done with, it can be changed again as often as one likes. */
static void release(const struct ground *g)
{
	int64_t until;

	ground_control(g, "unblock unbind " DEVICE "\n");
	await_driver(g, "vfio-pci", NATIVE);
	until = now_ns() + 20 * NS_PER_S;
	while (!is_obedient(g) || !is_left_alone(g))
		assert_true(now_ns() < until);
}

static void client_of_rest_leaves(struct ground *g)
{
	int fd = ground_connect(g, DOOR_HTTP);
	struct bytes request = {0};

	ground_control(g, "block unbind " DEVICE "\n");
	ground_post(&request, "bind", LIST);
	http_send(fd, request.data, request.len);
	await_driver(g, "", "");
	close(fd);
	release(g);
	bytes_clear(&request);
}

static struct rpc_bytes bind_request(void)
{
	Vfio__V1__BindDevicesRequest bind = VFIO__V1__BIND_DEVICES_REQUEST__INIT;
	char address[] = DEVICE, *addresses[] = {address};

	bind.pci_addresses = addresses;
	bind.n_pci_addresses = 1;
	return raw_request("vfio.v1.DeviceService/BindDevices", &bind.base, "", 0, NULL);
}

static int send_bind(const struct ground *g, const struct rpc_bytes *request)
{
	int fd = raw_try_open(g->daemon->rpc[DOOR_IPC], 20);

	assert_true(fd >= 0);
	raw_send(fd, true, 1, request->data, request->len);
	return fd;
}

static void client_of_rpc_leaves(struct ground *g)
{
	CLEANUP(rpc_bytes_free) struct rpc_bytes request = bind_request();

	ground_control(g, "block unbind " DEVICE "\n");
	int fd = send_bind(g, &request);
	await_driver(g, "", "");
	close(fd);
	release(g);
}

/* More than the queue takes: some are refused, all leave. */
static void a_crowd_leaves(struct ground *g)
{
	CLEANUP(rpc_bytes_free) struct rpc_bytes request = bind_request();
	struct bytes post = {0};
	int rpc[CROWD], http[CROWD];

	ground_control(g, "block unbind " DEVICE "\n");
	ground_post(&post, "bind", LIST);
	for (size_t i = 0; i < CROWD; i++) {
		rpc[i] = send_bind(g, &request);
		http[i] = ground_connect(g, DOOR_HTTP);
		http_send(http[i], post.data, post.len);
	}
	await_driver(g, "", "");
	for (size_t i = 0; i < CROWD; i++) {
		close(rpc[i]);
		close(http[i]);
	}
	release(g);
	bytes_clear(&post);
}

const struct abuse abuse_bind[] = {
	{"REST: a client leaves while its bind waits", client_of_rest_leaves},
	{"RPC: a client leaves while its bind waits", client_of_rpc_leaves},
	{"both: clients leave by the hundred while their binds wait", a_crowd_leaves},
	{NULL, NULL},
};
