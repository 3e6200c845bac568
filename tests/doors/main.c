/* SPDX-License-Identifier: MIT */
/*
 * Both doors of a real vfiod, and whatever comes through them: bad bytes, bad manners, numbers.
 *
 * Usage: doors_test VFIOD CASES OF-THE-CONTRACT [PATTERN]
 * With a pattern (* and ?), only the tests whose names fit it.
 *
 * Each abuse says what the door does, and that is held against it. After each, vfiod holds no
 * descriptor, thread or child more than before and answers as before; repeated, it holds no more
 * memory. That these checks can fail is shown too.
 */
#include "tests/contract/cases.h"
#include "tests/doors/abuse.h"
#include "tests/doors/census.h"
#include "tests/doors/growth.h"

#include "core/base/util.h"
#include "tests/rpc/nng/raw.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <cmocka.h>

enum {
	SETTLE_S = 20, /* for connections to end */
	REST_MS = 200, /* of a second, at most, when nobody asks for anything */

	/* Some 300 requests a round: 100 bytes lost by each would be 30 KiB a round. */
	ROUNDS_WARM = 3,
	ROUNDS = 15,
	LOOKS = 3,	/* before growth is a leak */
	GROWTH_KB = 15, /* a round */

	/* Requests that vfiod is to remember, 100 bytes each and more. */
	REMEMBERED = 3900,
};

static struct doors {
	const char *vfiod;
	struct ground ground;
	struct census before;
	struct bytes answers; /* as they are when all is well */
	struct cases cases[2];
	struct CMUnitTest *tests;
	size_t count;
} doors;

static bool is_same(const struct bytes *now, const struct bytes *before, struct why *why)
{
	size_t at = 0;

	while (at < now->len && at < before->len && now->data[at] == before->data[at])
		at++;
	if (at == now->len && at == before->len)
		return true;
	return why_not(why, "it answers \"%.200s\" where it answered \"%.200s\"", now->data + at,
		before->data + at);
}

/* Whether nothing is lost and all is answered as before. */
static bool is_unharmed(unsigned seconds, struct why *why)
{
	struct bytes now = {0};
	bool ok;

	ground_hang_up(&doors.ground);
	ok = census_await(doors.ground.daemon->pid, &doors.before, seconds, why) &&
	     ground_answers(&doors.ground, &now, why);
	if (ok)
		ok = is_same(&now, &doors.answers, why);
	bytes_clear(&now);
	return ok && census_await(doors.ground.daemon->pid, &doors.before, seconds, why);
}

static void expect_unharmed(void)
{
	struct why why;

	if (!is_unharmed(SETTLE_S, &why))
		fail_msg("afterwards %s", why.text);
}

static bool try_case(const struct ground *where, const struct contract_case *c, struct why *why)
{
	const struct case_ground ground = {.daemon = where->daemon};
	json_t *expectations = case_expectations(c);
	bool ok = case_run(c, &ground, expectations, why);

	json_decref(expectations);
	return ok;
}

static void run_case(void **state)
{
	const struct contract_case *c = *state;
	struct why why;

	if (!try_case(&doors.ground, c, &why))
		fail_msg("%s", why.text);
	ground_hang_up(&doors.ground);
	if (!census_await(doors.ground.daemon->pid, &doors.before, SETTLE_S, &why))
		fail_msg("afterwards %s", why.text);
}

static void run_abuse(void **state)
{
	const struct abuse *abuse = *state;

	abuse->run(&doors.ground);
	expect_unharmed();
}

static void all_is_as_before(void **state)
{
	(void)state;
	expect_unharmed();
}

/* A connection that is forgotten but still polled would keep a thread busy. */
static void it_rests(void **state)
{
	const struct timespec second = {.tv_sec = 1};
	struct census before, after;

	(void)state;
	census_take(doors.ground.daemon->pid, &before);
	nanosleep(&second, NULL);
	census_take(doors.ground.daemon->pid, &after);
	if (census_cpu_ms(&after) > census_cpu_ms(&before) + REST_MS)
		fail_msg("it spends %u ms of a second on nothing",
			census_cpu_ms(&after) - census_cpu_ms(&before));
}

/* The loss check itself: a connection that somebody holds is one too many, at either door. */
static void a_connection_held_is_noticed(void **state)
{
	(void)state;
	for (enum ground_door door = DOOR_IPC; door <= DOOR_HTTP; door++) {
		int fd = door == DOOR_HTTP ? ground_connect(&doors.ground, door)
					   : raw_try_open(doors.ground.daemon->rpc[door], 20);
		struct why why = {""};

		assert_true(fd >= 0);
		if (is_unharmed(1, &why))
			fail_msg("a connection held open is not noticed");
		assert_non_null(strstr(why.text, "descriptors"));
		close(fd);
		expect_unharmed();
	}
}

/* The same with an unbind that hangs, which has a process of its own. */
static void a_change_that_hangs_is_noticed(void **state)
{
	struct bytes request = {0};
	struct why why = {""};
	int fd;

	(void)state;
	fd = ground_connect(&doors.ground, DOOR_HTTP);
	ground_control(&doors.ground, "block unbind 0000:02:00.0\n");
	ground_post(&request, "bind", "{\"pci_addresses\":[\"0000:02:00.0\"]}");
	http_send(fd, request.data, request.len);
	if (is_unharmed(1, &why))
		fail_msg("a change that hangs is not noticed");
	ground_control(&doors.ground, "unblock unbind 0000:02:00.0\n");
	close(fd);
	bytes_clear(&request);
	ground_post(&request, "unbind", "{\"pci_addresses\":[\"0000:02:00.0\"]}");
	struct http_answer answer = {0};
	assert_true(ground_http(&doors.ground, request.data, &answer, &why));
	assert_int_equal(answer.status, 200);
	http_answer_clear(&answer);
	bytes_clear(&request);
	expect_unharmed();
}

static void expect_growth(const size_t *kb, bool is_growth, const char *what)
{
	struct why why;

	if (growth_within(kb, ROUNDS, GROWTH_KB, &why) == is_growth)
		fail_msg("%s is %s growth", what, is_growth ? "taken for no" : "taken for");
}

/* A leak of 100 bytes a request, however the heap grows by it. */
static void growth_is_noticed(void **state)
{
	size_t smooth[ROUNDS], noisy[ROUNDS], stepwise[ROUNDS];

	(void)state;
	for (size_t i = 0; i < ROUNDS; i++) {
		smooth[i] = 10000 + 30 * i;
		noisy[i] = smooth[i] + i * 7919 % 30;
		stepwise[i] = 10000 + 30 * i / 132 * 132;
	}
	expect_growth(smooth, true, "a leak");
	expect_growth(noisy, true, "a leak among noise");
	expect_growth(stepwise, true, "a leak that shows now and then");
}

/* Wherever an arena or two of malloc's are made. */
static void steps_are_no_growth(void **state)
{
	static const size_t heights[] = {132, 4096, 65536};
	size_t flat[ROUNDS], once[ROUNDS], twice[ROUNDS];

	(void)state;
	for (size_t i = 0; i < ROUNDS; i++)
		flat[i] = 10000 + i * 7919 % 200;
	expect_growth(flat, false, "noise");
	for (size_t at = 1; at < ROUNDS; at++) {
		for (size_t h = 0; h < ARRAY_SIZE(heights); h++) {
			for (size_t i = 0; i < ROUNDS; i++) {
				once[i] = 10000 + (i >= at) * heights[h];
				twice[i] = once[i] + (i >= ROUNDS / 2) * heights[h];
			}
			expect_growth(once, false, "a step");
			expect_growth(twice, false, "each of two steps");
		}
	}
}

static size_t memory_kb(struct ground *ground)
{
	struct census now;

	ground_hang_up(ground);
	census_take(ground->daemon->pid, &now);
	return census_memory_kb(&now);
}

/* What is wrong with an answer, its own test says. */
static void run_all_cases(const struct ground *ground)
{
	struct why ignored;

	for (size_t i = 0; i < doors.count; i++)
		if (doors.tests[i].test_func == run_case)
			try_case(ground, doors.tests[i].initial_state, &ignored);
}

static bool is_steady(struct ground *ground, struct why *why)
{
	size_t kb[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		run_all_cases(ground);
		kb[i] = memory_kb(ground);
	}
	print_message("memory after the first, middle and last round: %zu %zu %zu KiB\n", kb[0],
		kb[ROUNDS / 2], kb[ROUNDS - 1]);
	return growth_within(kb, ROUNDS, GROWTH_KB, why);
}

/* In a vfiod that has done nothing else: what it has freed would hide what it loses. A leak goes
 * on: other looks tell it from a heap that was still finding its size. */
static void repetition_costs_no_memory(void **state)
{
	struct ground fresh;
	struct why why;

	(void)state;
#ifdef DOORS_SANITIZED
	skip();
#endif
	ground_open(&fresh, doors.vfiod, true);
	for (int i = 0; i < ROUNDS_WARM; i++)
		run_all_cases(&fresh);
	bool ok = false;
	for (int look = 0; !ok && look < LOOKS; look++)
		ok = is_steady(&fresh, &why);
	assert_int_equal(ground_close(&fresh), 0);
	if (!ok)
		fail_msg("%s", why.text);
}

static void ask_under_id(int fd, uint32_t number)
{
	char id[112];

	snprintf(id, sizeof(id), "%0100u", number);
	struct rpc_bytes request = raw_request("rpc.v1.Health/Check", NULL, id, 0, NULL);
	raw_send(fd, false, number, request.data, request.len);
	struct rpc_bytes reply = raw_receive(fd, false, number);
	assert_non_null(reply.data);
	rpc_bytes_free(&reply);
	rpc_bytes_free(&request);
}

/* The growth check itself, on what vfiod means to keep: replies, by request_id. */
static void what_is_kept_is_noticed(void **state)
{
	struct ground fresh;
	size_t kb[ROUNDS];
	struct why why;

	(void)state;
#ifdef DOORS_SANITIZED
	skip();
#endif
	ground_open(&fresh, doors.vfiod, true);
	int fd = raw_try_open(fresh.daemon->rpc[DOOR_TCP], 20);
	for (uint32_t i = 0; i < REMEMBERED; i++) {
		ask_under_id(fd, i);
		if (i % (REMEMBERED / ROUNDS) == 0)
			kb[i / (REMEMBERED / ROUNDS)] = memory_kb(&fresh);
	}
	close(fd);
	assert_int_equal(ground_close(&fresh), 0);
	if (growth_within(kb, ROUNDS, GROWTH_KB, &why))
		fail_msg("%d replies kept are not noticed", REMEMBERED);
}

static void sigterm_ends_it_well(void **state)
{
	(void)state;
	assert_int_equal(ground_close(&doors.ground), 0);
}

static void add_test(const char *name, CMUnitTestFunction run, void *state)
{
	doors.tests = reallocarray(doors.tests, doors.count + 1, sizeof(*doors.tests));
	if (!doors.tests)
		abort();
	doors.tests[doors.count++] =
		(struct CMUnitTest){.name = name, .test_func = run, .initial_state = state};
}

static void add_abuses(const struct abuse *abuse)
{
	for (; abuse->name; abuse++)
		add_test(abuse->name, run_abuse, (void *)abuse);
}

/* Of the contract, all that leaves the host as it is and wants no other vfiod. */
static bool is_wanted(const struct contract_case *c)
{
	return c->variant && !c->own_host &&
	       (strcmp(c->variant, "plain") == 0 || strcmp(c->variant, "tcp") == 0);
}

static bool add_cases(struct cases *cases, const char *folder, struct why *why)
{
	if (!cases_load(folder, cases, why))
		return false;
	for (size_t i = 0; i < cases->count; i++) {
		struct contract_case *c = &cases->items[i];

		if (is_wanted(c))
			add_test(c->name, run_case, c);
	}
	return true;
}

/* Everything once, so that what is made at first use is there; then what there is. */
static int warm_up(void **state)
{
	struct why why = {""};

	(void)state;
	run_all_cases(&doors.ground);
	/* All the threads that work on changes. */
	for (const struct abuse *abuse = abuse_bind; abuse->name; abuse++)
		abuse->run(&doors.ground);
	if (!ground_answers(&doors.ground, &doors.answers, &why)) {
		print_error("%s\n", why.text);
		return -1;
	}
	ground_hang_up(&doors.ground);
	census_settle(doors.ground.daemon->pid, &doors.before);
	return 0;
}

/* Clients by the thousand are here in one process. */
static void raise_fd_limit(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int run_all(void)
{
	add_test("all is as before", all_is_as_before, NULL);
	add_abuses(abuse_http);
	add_abuses(abuse_rpc);
	add_abuses(abuse_bind);
	add_abuses(abuse_slow);
	add_test("it rests", it_rests, NULL);
	add_test("a connection held is noticed", a_connection_held_is_noticed, NULL);
	add_test("a change that hangs is noticed", a_change_that_hangs_is_noticed, NULL);
	add_test("growth is noticed", growth_is_noticed, NULL);
	add_test("steps are no growth", steps_are_no_growth, NULL);
	add_test("repetition costs no memory", repetition_costs_no_memory, NULL);
	add_test("what is kept is noticed", what_is_kept_is_noticed, NULL);
	add_test("ends with status 0 on SIGTERM", sigterm_ends_it_well, NULL);
	return _cmocka_run_group_tests("doors", doors.tests, doors.count, warm_up, NULL);
}

int main(int argc, char **argv)
{
	struct why why = {""};
	int failed = 1;

	if (argc != 4 && argc != 5) {
		fprintf(stderr, "Usage: doors_test VFIOD CASES OF-THE-CONTRACT [PATTERN]\n");
		return 2;
	}
	if (!mount_possible())
		return MOUNT_SKIP;
	if (argc == 5)
		cmocka_set_test_filter(argv[4]);
	signal(SIGPIPE, SIG_IGN);
	doors.vfiod = argv[1];
	ground_open(&doors.ground, doors.vfiod, false);
	raise_fd_limit(); /* not for vfiod */
	if (add_cases(&doors.cases[0], argv[2], &why) && add_cases(&doors.cases[1], argv[3], &why))
		failed = run_all();
	else
		fprintf(stderr, "%s\n", why.text);
	if (doors.ground.daemon)
		ground_close(&doors.ground);
	cases_clear(&doors.cases[0]);
	cases_clear(&doors.cases[1]);
	bytes_clear(&doors.answers);
	free(doors.tests);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
