/* SPDX-License-Identifier: MIT */
/*
 * What a case cannot say: the end of a daemon in the middle of something.
 *
 * Usage: contract_life_test VFIOD
 */
#include "core/base/clock.h"
#include "tests/contract/face.h"
#include "tests/contract/host_step.h"

#include "core/base/util.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *program;

static struct daemon *start(const char *variant)
{
	struct why why = {"it did not come up"};
	json_t *how = json_loads(variant, 0, NULL);
	struct daemon *d = daemon_start(program, how, &why);

	json_decref(how);
	if (!d)
		fail_msg("%s", why.text);
	return d;
}

static int set_up(void **state)
{
	struct daemon *d = start("{}");

	*state = d;
	return daemon_is_up(d) ? 0 : -1;
}

static int tear_down(void **state)
{
	daemon_free(*state);
	return 0;
}

/* Makes an RPC, both sides of it written as the cases write them. */
static void call(struct daemon *d, const char *request, const char *expect)
{
	struct face face = {.daemon = d, .fd = -1};
	json_t *sent = json_loads(request, 0, NULL), *wanted = json_loads(expect, 0, NULL);
	struct why why;

	assert_non_null(sent);
	assert_non_null(wanted);
	bool ok = face_rpc(&face, sent, wanted, &why);
	json_decref(sent);
	json_decref(wanted);
	face_clear(&face);
	if (!ok)
		fail_msg("%s: %s", request, why.text);
}

#define DEVICE "vfio.v1.DeviceService/"
#define INFO(id)                                                                                   \
	"{\"method\":\"" DEVICE "GetDeviceInfo\",\"request_id\":\"" id                             \
	"\",\"message\":{\"pci_address\":\"0000:02:00.0\"}}"

/* Does what a step of a case does to the host. */
static void host(struct daemon *d, const char *step)
{
	json_t *json = json_loads(step, 0, NULL);
	struct why why;

	assert_non_null(json);
	bool ok = host_step_run(d->root, NULL, json, json_object_get(json, "is"), &why);
	json_decref(json);
	if (!ok)
		fail_msg("%s", why.text);
}

#define NIC "sys/bus/pci/devices/0000:02:00.0/"

static void the_end_does_not_wait_for_a_blocked_write(void **state)
{
	struct daemon *d = *state;

	host(d, "{\"control\":\"block unbind 0000:02:00.0\"}");
	call(d,
		"{\"method\":\"" DEVICE
		"BindDevices\",\"timeout_ms\":1500,\"message\":{\"pci_addresses\":[\"0000:02:00.0\"]}}",
		"{\"error\":{\"code\":\"DEADLINE_EXCEEDED\"}}");
	assert_int_equal(daemon_stop(d), 0);
	/* The write goes on without it. */
	host(d, "{\"link\":\"" NIC "driver\",\"is\":{\"$absent\":true}}");
	host(d, "{\"control\":\"unblock unbind 0000:02:00.0\"}");
}

/* The interim answer tells that the head has been read. */
static void wait_for_continue(int fd)
{
	static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
	char buf[sizeof(interim)] = "";
	size_t len = 0;

	while (len < sizeof(interim) - 1) {
		ssize_t n = recv(fd, buf + len, sizeof(interim) - 1 - len, 0);
		assert_true(n > 0);
		len += (size_t)n;
	}
	assert_string_equal(buf, interim);
}

static void a_request_in_flight_at_the_end_is_answered(void **state)
{
	static const char head[] = "POST /api/v1/vfio/devices/info HTTP/1.1\r\nHost: localhost\r\n"
				   "Content-Type: application/json\r\nContent-Length: 30\r\n"
				   "Expect: 100-continue\r\n\r\n";
	static const char body[] = "{\"pci_address\":\"0000:01:00.0\"}";
	struct daemon *d = *state;
	struct http_answer answer = {0};
	struct why why;
	CLEANUP(fd_cleanup) int fd = http_connect(&d->http, NULL, &why);
	CLEANUP(fd_cleanup) int idle = http_connect(&d->http, NULL, &why);

	http_send(fd, head, sizeof(head) - 1);
	wait_for_continue(fd);
	assert_int_equal(kill(d->pid, SIGTERM), 0);
	/* Those that wait for nothing go first. */
	assert_true(http_is_closed(idle));
	http_send(fd, body, sizeof(body) - 1);
	if (!http_read(fd, true, &answer, &why))
		fail_msg("%s", why.text);
	assert_int_equal(answer.status, 200);
	assert_non_null(strstr(answer.body.data, "\"address\":\"0000:01:00.0\""));
	assert_true(http_is_closed(fd));
	http_answer_clear(&answer);
	assert_int_equal(daemon_wait(d), 0);
}

static void an_idle_connection_does_not_hold_up_the_end(void **state)
{
	struct daemon *d = *state;
	struct why why;
	int64_t begun = now_ns();
	CLEANUP(fd_cleanup) int fd = http_connect(&d->http, NULL, &why);

	assert_true(fd >= 0);
	assert_int_equal(daemon_stop(d), 0);
	assert_true(http_is_closed(fd));
	assert_true(now_ns() - begun < 3 * NS_PER_S);
}

static void a_second_daemon_leaves_the_state_alone(void **state)
{
	struct daemon *first = *state;
	char variant[128];

	snprintf(variant, sizeof(variant), "{\"args\":[\"--state=%s/state\"]}", first->folder);
	struct daemon *second = start(variant);
	bool up = daemon_is_up(second);
	int status = up ? -1 : daemon_wait(second);
	bool told = strstr(second->said.data, "another vfiod uses the state folder") != NULL;

	daemon_free(second);
	assert_false(up);
	assert_int_equal(status, 1);
	assert_true(told);
	call(first, INFO(""), "{\"body\":{\"driver\":\"e1000e\"}}");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_end_does_not_wait_for_a_blocked_write, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_request_in_flight_at_the_end_is_answered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_idle_connection_does_not_hold_up_the_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_second_daemon_leaves_the_state_alone, set_up, tear_down),
	};

	if (argc != 2) {
		fprintf(stderr, "Usage: contract_life_test VFIOD\n");
		return 2;
	}
	if (!mount_possible())
		return MOUNT_SKIP;
	program = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
