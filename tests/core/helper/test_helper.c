/* SPDX-License-Identifier: MIT */
/* Main's side of the privileged helper: deadlines, callers at once, its end. */
#include "core/use/holders.h"
#include "tests/core/helper/ground.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* More than one message has room for. */
static void holders_by_the_hundred_arrive(void **state)
{
	enum { MANY = 3 * HELPER_MAX_HOLDERS + 1 };
	const struct helper_request request = {.op = HELPER_HOLDERS};
	CLEANUP(holders_clear) struct holders holders = {0};
	struct ground *g = *state;
	bool seen[MANY] = {0};

	for (int i = 0; i < MANY; i++)
		ground_open_file(g, 100 + i, "qemu", "/dev/vfio/9");
	assert_int_equal(helper_call_look(g->helper, &request, NULL, now_ns() + 20 * SECOND,
				 &g->reply, &holders),
		0);
	assert_int_equal(g->reply.error, 0);
	assert_int_equal(holders.count, MANY);
	assert_false(holders.is_truncated);
	for (size_t i = 0; i < holders.count; i++) {
		assert_true(holders.items[i].pid >= 100 && holders.items[i].pid < 100 + MANY);
		assert_false(seen[holders.items[i].pid - 100]);
		seen[holders.items[i].pid - 100] = true;
	}
}

static void a_deadline_already_past_sends_nothing(void **state)
{
	struct ground *g = *state;

	assert_int_equal(ground_call_until(g, HELPER_BIND, GPU, "vfio-pci", now_ns() - 1), -ETIME);
	/* Commands are taken in order: had it been sent, it would be at work by now. */
	assert_int_equal(ground_call(g, HELPER_OVERRIDE_GET, GPU, ""), 0);
	assert_int_equal(faccessat(g->config.lock_fd, GPU, F_OK, 0), -1);
	ground_assert_file(g, BIND, "");
}

static void a_helper_that_takes_no_more_is_waited_for_until_the_deadline(void **state)
{
	struct helper_request r = ground_request(HELPER_BIND, GPU, "vfio-pci");
	struct ground *g = *state;
	struct helper_reply reply;
	struct helper *helper = NULL;

	assert_int_equal(helper_fork(&g->config, &helper), 0);
	assert_int_equal(kill(helper_pid(helper), SIGSTOP), 0);
	while (raw_try_send(helper_fd(helper), "x", 1, NULL, 0) == 0)
		continue;
	assert_int_equal(errno, EAGAIN);
	int64_t begun = now_ns();
	assert_int_equal(helper_call(helper, &r, begun + SECOND / 5, &reply), -ETIME);
	assert_true(now_ns() - begun >= SECOND / 5);
	/* Looks go another way: this one is begun, and waited for. */
	r.op = HELPER_HOLDERS;
	assert_int_equal(helper_call(helper, &r, now_ns() + SECOND / 5, &reply), -ETIMEDOUT);
	assert_int_equal(kill(helper_pid(helper), SIGCONT), 0);
	assert_int_equal(helper_call(helper, &r, now_ns() + 20 * SECOND, &reply), 0);
	helper_free(helper);
	ground_assert_file(g, BIND, "");
}

static void a_helper_that_dies_is_noticed(void **state)
{
	struct ground *g = *state;
	struct pollfd p = {.fd = helper_fd(g->helper)};

	assert_int_equal(poll(&p, 1, 0), 0);
	assert_int_equal(kill(helper_pid(g->helper), SIGKILL), 0);
	assert_int_equal(poll(&p, 1, 20000), 1);
	assert_true(p.revents & POLLHUP);
	assert_int_equal(
		ground_call_until(g, HELPER_BIND, GPU, "vfio-pci", now_ns() + SECOND), -EPIPE);
}

struct caller {
	struct ground *g;
	char device[PCI_ADDRESS_SIZE];
	const char *complaint;
};

static void *call_often(void *arg)
{
	struct caller *c = arg;
	struct helper_request request = {.op = HELPER_OVERRIDE_GET};
	struct helper_reply reply;

	pci_address_parse(c->device, &request.address);
	for (int i = 0; i < 100 && !c->complaint; i++) {
		if (helper_call(c->g->helper, &request, now_ns() + 60 * SECOND, &reply) ||
			reply.error)
			c->complaint = "no answer";
		else if (strcmp(reply.text, c->device) != 0)
			c->complaint = "another's answer";
	}
	return NULL;
}

static void callers_at_once_get_each_their_own_answer(void **state)
{
	static const char *const devices[] = {
		"0000:01:00.0", "0000:01:00.1", "0000:02:00.0", "0000:03:00.0"};
	struct ground *g = *state;
	struct caller callers[ARRAY_SIZE(devices)] = {0};
	pthread_t threads[ARRAY_SIZE(devices)];

	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		tree_set_override(g->tree, devices[i], devices[i]);
		callers[i].g = g;
		strcpy(callers[i].device, devices[i]);
		assert_int_equal(pthread_create(&threads[i], NULL, call_often, &callers[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		if (callers[i].complaint)
			fail_msg("%s: %s", devices[i], callers[i].complaint);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, ground_setup, ground_teardown)
	const struct CMUnitTest tests[] = {
		TEST(holders_by_the_hundred_arrive),
		TEST(a_deadline_already_past_sends_nothing),
		TEST(a_helper_that_takes_no_more_is_waited_for_until_the_deadline),
		TEST(a_helper_that_dies_is_noticed),
		TEST(callers_at_once_get_each_their_own_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
