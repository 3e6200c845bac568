/* SPDX-License-Identifier: MIT */
/*
 * A device whose unbind does not return: everything else goes on, and the change comes to its end
 * when the device is let go of.
 *
 * Usage: sweep_hang VFIOD SIMHOST HOST-FILE [PATTERN]
 * With a pattern (* and ?), only the tests whose names fit it. VFIOD_SWEEP_LONG=1: the device stays
 * blocked for a minute, and every way of ending vfiod meanwhile is tried.
 */
#include "core/base/clock.h"
#include "tests/sweep/ear.h"
#include "tests/sweep/reads.h"

#include "core/base/util.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BLOCKED "0000:01:00.0"
#define OTHER "0000:00:04.0"
#define BATCH "\"0000:00:03.0\",\"" BLOCKED "\",\"0000:81:00.0\""
#define NATIVE "e1000e"
#define HOLDER_PID 4242
#define HOLDER "qemu-system-x86"

enum {
	SKIPPED = 77,
	WARM_MS = 300, /* for connections, and what is read once */
#ifdef SWEEP_SANITIZED
	CALLER_MS = 8000, /* the blocked caller's deadline: all takes longer */
#else
	CALLER_MS = 1000, /* the blocked caller's deadline */
#endif
	REST_MS = 30000, /* which nobody can set over REST */
	END_MAX_MS = 5000,
	SETTLE_MAX_MS = 5000,
};

/* How vfiod ends while the device is blocked, to be started again. */
enum ending { STAYS, TERMINATED, KILLED, KILLED_EARLY };

/* How it is run. */
enum {
	READS = 1,     /* with readers, for as long as was asked for */
	SAMPLE = 2,    /* in the short run too */
	OVER_REST = 4, /* the blocked caller */
};

struct scenario {
	const char *name;
	enum asker_operation change;
	unsigned size; /* devices of the change */
	enum ending ending;
	unsigned how;
};

static const struct scenario scenarios[] = {
	{"a bind that hangs holds up nobody", ASK_BIND, 1, TERMINATED, READS | SAMPLE},
	{"an unbind that hangs holds up nobody", ASK_UNBIND, 1, TERMINATED, READS | SAMPLE},
	{"a bind is finished", ASK_BIND, 1, STAYS, 0},
	{"an unbind is finished", ASK_UNBIND, 1, STAYS, 0},
	{"an unbind is finished, over REST", ASK_UNBIND, 1, STAYS, OVER_REST},
	{"a batch is not bound", ASK_BIND, 3, STAYS, SAMPLE},
	{"a batch is not unbound", ASK_UNBIND, 3, STAYS, 0},
	{"a batch is not bound, after an end", ASK_BIND, 3, TERMINATED, 0},
	{"a batch is not unbound, after an end", ASK_UNBIND, 3, TERMINATED, 0},
	{"a bind is finished, after a kill", ASK_BIND, 1, KILLED, SAMPLE},
	{"an unbind is finished, after a kill", ASK_UNBIND, 1, KILLED, 0},
	{"a batch is not bound, after a kill", ASK_BIND, 3, KILLED, 0},
	{"a batch is not unbound, after a kill", ASK_UNBIND, 3, KILLED, 0},
	{"a bind cut off by a kill", ASK_BIND, 1, KILLED_EARLY, 0},
	{"an unbind cut off by a kill", ASK_UNBIND, 1, KILLED_EARLY, 0},
	{"a batch's bind cut off by a kill", ASK_BIND, 3, KILLED_EARLY, SAMPLE},
	{"a batch's unbind cut off by a kill", ASK_UNBIND, 3, KILLED_EARLY, 0},
};

static struct stage_programs programs;
static unsigned seconds = 3;
static bool is_long; /* VFIOD_SWEEP_LONG */

/* The one who asks for what hangs. */
struct caller {
	struct asker asker;
	enum asker_operation change;
	char json[192];
	struct asker_answer answer;
	struct why why;
	bool answered;
	bool is_calling; /* the thread is to be joined */
	pthread_t thread;
};

/* A test at work. */
struct hang {
	const struct scenario *scenario;
	struct stage stage;
	struct caller caller;
	struct ear *ear;
	struct reads *reads;
};

/* --- asking ----------------------------------------------------------------------------------- */

static void ask(const struct hang *h, enum asker_operation operation, const char *json,
	struct asker_answer *ret)
{
	struct asker asker;
	struct why why;

	asker_init(&asker, &h->stage, ASKER_REST);
	bool ok = asker_ask(&asker, operation, json, 0, ret, &why);
	asker_clear(&asker);
	if (!ok)
		fail_msg("%s %s: %s", asker_operation_name(operation), json, why.text);
}

static void must_do(const struct hang *h, enum asker_operation operation, const char *json)
{
	struct asker_answer answer;

	ask(h, operation, json, &answer);
	if (*asker_status(&answer))
		fail_msg("%s %s: %s", asker_operation_name(operation), json,
			asker_text(&answer, "error"));
	asker_answer_clear(&answer);
}

static void change_batch(const struct hang *h, enum asker_operation change)
{
	char json[128];

	snprintf(json, sizeof(json), "{\"pci_addresses\":[%s]}",
		h->scenario->size == 1 ? "\"" BLOCKED "\"" : BATCH);
	must_do(h, change, json);
}

static void expect_info(
	const struct hang *h, const char *state, const char *driver, const char *original)
{
	struct asker_answer answer;

	ask(h, ASK_INFO, "{\"pci_address\":\"" BLOCKED "\"}", &answer);
	assert_string_equal(asker_text(&answer, "state"), state);
	if (driver)
		assert_string_equal(asker_text(&answer, "driver"), driver);
	if (original)
		assert_string_equal(asker_text(&answer, "original_driver"), original);
	asker_answer_clear(&answer);
}

static void expect_refused(const struct hang *h, enum asker_operation change)
{
	struct asker_answer answer;

	ask(h, change, "{\"pci_addresses\":[\"" BLOCKED "\"]}", &answer);
	assert_string_equal(asker_status(&answer), "FAILED_PRECONDITION");
	assert_string_equal(asker_item_text(&answer, "details", 0, "reason"), "UNBIND_PENDING");
	assert_string_equal(asker_item_text(&answer, "details", 0, "pci_address"), BLOCKED);
	asker_answer_clear(&answer);
}

static void expect_pending(const struct hang *h)
{
	expect_info(h, "UNBIND_PENDING", NULL, NULL);
	expect_refused(h, ASK_BIND);
	expect_refused(h, ASK_UNBIND);
}

/* --- the device that hangs -------------------------------------------------------------------- */

static void block(const struct hang *h)
{
	if (h->scenario->change == ASK_BIND)
		stage_control(&h->stage, "block unbind " BLOCKED "\n");
	else
		stage_control(&h->stage, "hold " BLOCKED " device %d " HOLDER "\n", HOLDER_PID);
}

static void let_go(const struct hang *h)
{
	stage_control(&h->stage, h->scenario->change == ASK_BIND ? "unblock unbind " BLOCKED "\n"
								 : "release " BLOCKED "\n");
}

static void *call_on(void *arg)
{
	struct caller *c = arg;

	c->answered = asker_ask(&c->asker, c->change, c->json, CALLER_MS, &c->answer, &c->why);
	asker_clear(&c->asker);
	return NULL;
}

static void start_caller(struct hang *h)
{
	struct caller *c = &h->caller;

	c->change = h->scenario->change;
	snprintf(c->json, sizeof(c->json), "{\"pci_addresses\":[%s]%s}",
		h->scenario->size == 1 ? "\"" BLOCKED "\"" : BATCH,
		c->change == ASK_BIND ? "" : ",\"force\":[\"VFIO_IN_USE\"]");
	asker_init(&c->asker, &h->stage, h->scenario->how & OVER_REST ? ASKER_REST : ASKER_RPC);
	if (pthread_create(&c->thread, NULL, call_on, c) != 0)
		abort();
	c->is_calling = true;
}

static void join_caller(struct caller *c)
{
	if (c->is_calling)
		pthread_join(c->thread, NULL);
	c->is_calling = false;
}

/* The kernel took the link away, and waits. */
static void await_unbind(const struct hang *h)
{
	int64_t until = now_ns() + 10 * NS_PER_S;
	char driver[64];

	do {
		stage_driver(&h->stage, BLOCKED, driver);
		if (!*driver)
			return;
		nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
	} while (now_ns() < until);
	fail_msg("the unbind has not begun");
}

static void expect_holder(const struct asker_answer *answer)
{
	const json_t *detail = json_array_get(json_object_get(answer->body, "details"), 0);
	const json_t *holder = json_array_get(json_object_get(detail, "holders"), 0);

	assert_int_equal(json_integer_value(json_object_get(holder, "pid")), HOLDER_PID);
	assert_string_equal(json_string_value(json_object_get(holder, "command")), HOLDER);
	assert_non_null(strstr(asker_text(answer, "error"), HOLDER));
}

/* The blocked caller was told, in time, which device it is and who has it. */
static void expect_deadline(struct hang *h)
{
	struct caller *c = &h->caller;
	int64_t deadline_ms = h->scenario->how & OVER_REST ? REST_MS : CALLER_MS;

	join_caller(c);
	if (!c->answered)
		fail_msg("%s", c->why.text);
	print_message("    the caller, after %ld ms: %s\n", (long)(c->answer.took_ns / NS_PER_MS),
		asker_text(&c->answer, "error"));
	assert_string_equal(asker_status(&c->answer), "DEADLINE_EXCEEDED");
	assert_non_null(strstr(asker_text(&c->answer, "error"), BLOCKED));
	assert_string_equal(asker_item_text(&c->answer, "details", 0, "pci_address"), BLOCKED);
	assert_string_equal(asker_item_text(&c->answer, "details", 0, "reason"), "UNBIND_PENDING");
	assert_true(c->answer.took_ns < (deadline_ms + 500) * NS_PER_MS);
	if (h->scenario->change == ASK_UNBIND)
		expect_holder(&c->answer);
	asker_answer_clear(&c->answer);
}

static void expect_device(const struct hang *h, const char *address, bool on_vfio)
{
	char driver[64], override[64];

	stage_driver(&h->stage, address, driver);
	stage_override(&h->stage, address, override);
	if (strcmp(driver, on_vfio ? "vfio-pci" : NATIVE) != 0 ||
		strcmp(override, on_vfio ? "vfio-pci" : "(null)") != 0)
		fail_msg("%s is on \"%s\" with override \"%s\"", address, driver, override);
}

/* The others of the batch, which wait for nothing: back before the caller was told. */
static void expect_others_back(const struct hang *h)
{
	if (h->scenario->size == 1)
		return;
	expect_device(h, "0000:00:03.0", h->scenario->change == ASK_UNBIND);
	expect_device(h, "0000:81:00.0", h->scenario->change == ASK_UNBIND);
}

/* --- reads meanwhile -------------------------------------------------------------------------- */

static void rest(int64_t ns)
{
	const struct timespec ts = clock_timespec(ns);

	nanosleep(&ts, NULL);
}

/* Blocks the device under a change while readers read. */
static void hang_with_readers(struct hang *h)
{
	int64_t idle[2], blocked[2], hung;
	struct why why;

	h->reads = reads_start(&h->stage, BLOCKED, OTHER);
	rest(WARM_MS * NS_PER_MS);
	idle[0] = now_ns();
	rest(seconds * NS_PER_S / 2);
	idle[1] = hung = now_ns();
	block(h);
	start_caller(h);
	expect_deadline(h);
	expect_pending(h);
	must_do(h, ASK_BIND, "{\"pci_addresses\":[\"" OTHER "\"]}");
	must_do(h, ASK_UNBIND, "{\"pci_addresses\":[\"" OTHER "\"]}");
	blocked[0] = now_ns();
	rest(seconds * NS_PER_S);
	blocked[1] = now_ns();
	if (!reads_stop(h->reads, &why))
		fail_msg("%s", why.text);
	/* In the sample other tests have the machine too, and under a sanitizer its slowness is not
	 * vfiod's: there it is enough that every read was answered. */
	if (!is_long)
		return;
	if (!reads_judge(h->reads, idle, blocked, &why) ||
		!reads_judge_longest(h->reads, hung, blocked[1], &why))
		fail_msg("%s", why.text);
}

static void hang_alone(struct hang *h)
{
	block(h);
	start_caller(h);
	await_unbind(h);
	if (h->scenario->ending == KILLED_EARLY)
		return;
	expect_deadline(h);
	expect_others_back(h);
	expect_pending(h);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void start_again(struct hang *h)
{
	int64_t begun = now_ns();

	if (h->scenario->ending == STAYS)
		return;
	int status = stage_end(&h->stage, h->scenario->ending == TERMINATED ? SIGTERM : SIGKILL);
	if (h->scenario->ending == TERMINATED) {
		print_message("    ended with %d after %ld ms\n", status,
			(long)((now_ns() - begun) / NS_PER_MS));
		assert_int_equal(status, 0);
		assert_true(now_ns() - begun < END_MAX_MS * NS_PER_MS);
	}
	if (h->scenario->ending == KILLED_EARLY) {
		join_caller(&h->caller);
		assert_false(h->caller.answered);
	}
	stage_start(&h->stage);
	expect_pending(h);
	expect_others_back(h);
}

/* Subscribed for sure: another change has been heard of. */
static void listen_in(struct hang *h)
{
	Vfio__V1__Event *event = NULL;

	h->ear = ear_open(h->stage.events);
	for (int i = 0; !event && i < 20; i++) {
		must_do(h, ASK_BIND, "{\"pci_addresses\":[\"" OTHER "\"]}");
		must_do(h, ASK_UNBIND, "{\"pci_addresses\":[\"" OTHER "\"]}");
		event = ear_wait(h->ear, "device.unbound", OTHER, 200);
	}
	assert_non_null(event);
	vfio__v1__event__free_unpacked(event, NULL);
}

static void await_no_intents(const struct hang *h)
{
	int64_t until = now_ns() + SETTLE_MAX_MS * NS_PER_MS;

	while (stage_rows(&h->stage, "intent") > 0 && now_ns() < until)
		rest(5 * NS_PER_MS);
	assert_int_equal(stage_rows(&h->stage, "intent"), 0);
	assert_int_equal(stage_rows(&h->stage, "intent_device"), 0);
}

/* One device's change is finished; one of several, or one that was cut off, is undone. */
static bool ends_on_vfio(const struct scenario *s)
{
	bool undone = s->size > 1 || s->ending == KILLED_EARLY;

	return (s->change == ASK_BIND) != undone;
}

static void expect_settled(struct hang *h)
{
	bool vfio = ends_on_vfio(h->scenario);
	Vfio__V1__Event *event = ear_wait(h->ear, "device.settled", BLOCKED, SETTLE_MAX_MS);

	assert_non_null(event);
	assert_string_equal(event->driver, vfio ? "vfio-pci" : NATIVE);
	assert_string_equal(event->original_driver, vfio ? NATIVE : "");
	assert_int_equal(
		event->state, vfio ? VFIO__V1__DEVICE__STATE__VFIO : VFIO__V1__DEVICE__STATE__HOST);
	vfio__v1__event__free_unpacked(event, NULL);
	await_no_intents(h);
	expect_device(h, BLOCKED, vfio);
	expect_others_back(h);
	assert_int_equal(stage_rows(&h->stage, "origin"), vfio ? h->scenario->size : 0);
	expect_info(h, vfio ? "VFIO" : "HOST", vfio ? "vfio-pci" : NATIVE, vfio ? NATIVE : NULL);
}

/* And can be changed as ever. */
static void expect_usable(const struct hang *h)
{
	change_batch(h, ASK_BIND);
	expect_device(h, BLOCKED, true);
	change_batch(h, ASK_UNBIND);
	expect_device(h, BLOCKED, false);
	assert_int_equal(stage_rows(&h->stage, "origin"), 0);
	assert_int_equal(stage_rows(&h->stage, "intent"), 0);
}

static void run(void **state)
{
	struct hang *h = *state;

	print_message("    %s\n", h->scenario->name);
	if (h->scenario->change == ASK_UNBIND)
		change_batch(h, ASK_BIND);
	if (h->scenario->how & READS)
		hang_with_readers(h);
	else
		hang_alone(h);
	start_again(h);
	listen_in(h);
	let_go(h);
	expect_settled(h);
	expect_usable(h);
}

static int set_up(void **state)
{
	struct hang *h = calloc(1, sizeof(*h));

	if (!h)
		return -1;
	h->scenario = *state;
	*state = h;
	return stage_open(&h->stage, &programs) ? 0 : -1;
}

/* Whatever failed, nobody is left behind. */
static int tear_down(void **state)
{
	struct hang *h = *state;

	reads_free(h->reads);
	join_caller(&h->caller);
	ear_close(h->ear);
	asker_answer_clear(&h->caller.answer);
	int status = stage_close(&h->stage);
	free(h);
	return status;
}

static bool can_mount(void)
{
	struct stage stage;

	if (!stage_open(&stage, &programs))
		return false;
	stage_close(&stage);
	return true;
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[ARRAY_SIZE(scenarios)];
	const char *wish = getenv("VFIOD_SWEEP_LONG");
	size_t n = 0;

	is_long = wish && strcmp(wish, "1") == 0;
	if (argc != 4 && argc != 5) {
		fprintf(stderr, "Usage: sweep_hang VFIOD SIMHOST HOST-FILE [PATTERN]\n");
		return 2;
	}
	programs = (struct stage_programs){argv[1], argv[2], argv[3]};
	if (argc == 5)
		cmocka_set_test_filter(argv[4]);
	signal(SIGPIPE, SIG_IGN);
	if (is_long)
		seconds = 60;
	if (!can_mount()) {
		fprintf(stderr, "skipped: no FUSE file system can be mounted here\n");
		return SKIPPED;
	}
	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
		if (is_long || argc == 5 || scenarios[i].how & SAMPLE)
			tests[n++] = (struct CMUnitTest){scenarios[i].name, run, set_up, tear_down,
				(void *)(uintptr_t)&scenarios[i]};
	}
	return _cmocka_run_group_tests("hang", tests, n, NULL, NULL);
}
