/* SPDX-License-Identifier: MIT */
/* Bind and unbind when the kernel does not do as it is told: all or nothing. */
#include "core/util.h"
#include "tests/core/fixture.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

static const int errnos[] = {EBUSY, EIO, ENODEV, EINVAL, EACCES, ENOENT, EAGAIN};

/* GPU and audio with an override of its own, and the driverless NVMe: 3 + 3 + 2 writes to bind. */
static const char CARDS[] = "0000:01:00.0 0000:01:00.1 0000:08:00.0";

static void prepare(struct fixture *f)
{
	tree_set_override(f->tree, "0000:01:00.1", "snd_hda_intel");
}

/* Makes the change fail at its every write in every way, and looks at what is left each time.
 * Returns how many writes the change has. */
static unsigned fail_at_every_write(struct fixture *f,
	int (*change)(struct fixture *f, const char *addresses,
		const struct change_request *options, struct change_result *result,
		struct core_error *err),
	enum fake_fault_kind kind)
{
	CLEANUP(free_cleanup) char *before = tree_snapshot(f->tree);

	for (unsigned k = 1;; k++) {
		for (size_t i = 0; i < ARRAY_SIZE(errnos); i++) {
			CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
			struct change_result result;

			fake_hand_clear(f->fake);
			fake_hand_fail(f->fake,
				&(struct fake_fault){.at = k, .kind = kind, .error = errnos[i]});
			if (change(f, CARDS, NULL, &result, &err) == 0) {
				change_result_clear(&result);
				return k - 1;
			}
			CLEANUP(free_cleanup) char *after = tree_snapshot(f->tree);
			if (strcmp(before, after) != 0)
				fail_msg("write %u, errno %d:\n%s\nwas\n%s", k, errnos[i], after,
					before);
			assert_non_null(strstr(err.message, "nothing was changed"));
			assert_int_equal(err.problems.count, 1);
			assert_true(err.code == CORE_ABORTED || err.code == CORE_PERMISSION ||
				    err.code == CORE_PRECONDITION);
			if (kind == FAKE_LIE)
				break;
		}
	}
}

static void a_bind_that_fails_anywhere_changes_nothing(void **state)
{
	struct fixture *f = *state;

	prepare(f);
	assert_int_equal(fail_at_every_write(f, fixture_bind, FAKE_ERRNO), 8);
	fixture_assert_driver(f, "0000:08:00.0", "vfio-pci");
}

static void a_bind_whose_failed_write_had_its_effect_changes_nothing(void **state)
{
	struct fixture *f = *state;

	prepare(f);
	assert_int_equal(fail_at_every_write(f, fixture_bind, FAKE_DONE_ERRNO), 8);
}

static void an_unbind_that_fails_anywhere_changes_nothing(void **state)
{
	struct fixture *f = *state;

	prepare(f);
	fixture_must_bind(f, CARDS);
	/* Four writes to give a device back to a driver, two for the driverless one. */
	assert_int_equal(fail_at_every_write(f, fixture_unbind, FAKE_ERRNO), 10);
	fixture_assert_driver(f, "0000:01:00.0", "nvidia");
	fixture_assert_override(f, "0000:01:00.1", "snd_hda_intel");
}

static void an_unbind_whose_failed_write_had_its_effect_changes_nothing(void **state)
{
	struct fixture *f = *state;

	prepare(f);
	fixture_must_bind(f, CARDS);
	assert_int_equal(fail_at_every_write(f, fixture_unbind, FAKE_DONE_ERRNO), 10);
}

static void a_kernel_that_reports_success_is_not_believed(void **state)
{
	CLEANUP(free_cleanup) char *before = NULL;
	struct fixture *f = *state;

	prepare(f);
	before = tree_snapshot(f->tree);
	for (unsigned k = 1; k <= 3; k++) {
		CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
		struct change_result result;

		fake_hand_clear(f->fake);
		fake_hand_fail(f->fake, &(struct fake_fault){.at = k, .kind = FAKE_LIE});
		assert_int_equal(fixture_bind(f, "0000:01:00.0", NULL, &result, &err), -1);
		CLEANUP(free_cleanup) char *after = tree_snapshot(f->tree);
		assert_string_equal(before, after);
	}
}

static void the_undo_goes_backwards(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct change_result result;
	struct fixture *f = *state;

	fake_hand_fail(f->fake, &(struct fake_fault){.at = 6, .kind = FAKE_ERRNO, .error = EIO});
	assert_int_equal(fixture_bind(f, "0000:01:00.0 0000:01:00.1", NULL, &result, &err), -1);
	fixture_assert_log(f, "override 0000:01:00.0 vfio-pci\n"
			      "unbind 0000:01:00.0\n"
			      "bind 0000:01:00.0 vfio-pci\n"
			      "override 0000:01:00.1 vfio-pci\n"
			      "unbind 0000:01:00.1\n"
			      "bind 0000:01:00.1 vfio-pci\n"
			      "override 0000:01:00.1 snd_hda_intel\n"
			      "bind 0000:01:00.1 snd_hda_intel\n"
			      "override 0000:01:00.1\n"
			      "override 0000:01:00.0 nvidia\n"
			      "unbind 0000:01:00.0\n"
			      "bind 0000:01:00.0 nvidia\n"
			      "override 0000:01:00.0\n");
	assert_string_equal(err.problems.items[0].subject, "0000:01:00.1");
	assert_int_equal(err.problems.items[0].reason, REASON_KERNEL_REFUSED);
	assert_non_null(strstr(err.message, "binding device 0000:01:00.1 to vfio-pci failed"));
}

static void devices_that_were_not_reached_are_not_touched(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct change_result result;
	struct fixture *f = *state;

	fake_hand_fail(f->fake, &(struct fake_fault){.at = 1, .kind = FAKE_ERRNO, .error = EIO});
	assert_int_equal(fixture_bind(f, "0000:01:00.0 0000:02:00.0", NULL, &result, &err), -1);
	CLEANUP(free_cleanup) char *log = fake_hand_log(f->fake);
	assert_null(strstr(log, "0000:02:00.0"));
}

static const struct core_problem *find_problem(
	const struct core_error *err, const char *subject, enum core_reason reason)
{
	for (size_t i = 0; i < err->problems.count; i++) {
		const struct core_problem *p = &err->problems.items[i];

		if (strcmp(p->subject, subject) == 0 && p->reason == reason)
			return p;
	}
	return NULL;
}

/* The second device breaks for good: the first must come back all the same, and the second keep a
 * record so that a later unbind can give it back. */
static void one_that_cannot_be_undone_does_not_keep_the_others_from_it(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct change_result result;
	struct fixture *f = *state;

	fake_hand_fail(f->fake, &(struct fake_fault){.at = 9,
					.count = 1000,
					.address = "0000:02:00.0",
					.kind = FAKE_ERRNO,
					.error = EIO});
	assert_int_equal(fixture_bind(f, "0000:01:00.0 0000:01:00.1 0000:02:00.0 0000:08:00.0",
				 NULL, &result, &err),
		-1);
	fixture_assert_driver(f, "0000:01:00.0", "nvidia");
	fixture_assert_override(f, "0000:01:00.0", "");
	fixture_assert_driver(f, "0000:01:00.1", "snd_hda_intel");
	fixture_assert_override(f, "0000:01:00.1", "");
	assert_non_null(find_problem(&err, "0000:02:00.0", REASON_UNDO_FAILED));
	assert_null(find_problem(&err, "0000:01:00.0", REASON_UNDO_FAILED));
	assert_null(find_problem(&err, "0000:01:00.1", REASON_UNDO_FAILED));
	assert_non_null(strstr(err.message, "not everything could be undone"));
}

static void a_device_stuck_on_vfio_is_given_back_by_a_later_unbind(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct change_result result;
	struct fixture *f = *state;

	/* Writes 1-3 bind the first; the second's fail, and so does the first's undo. */
	fake_hand_fail(f->fake, &(struct fake_fault){.at = 4, .kind = FAKE_ERRNO, .error = EIO});
	fake_hand_fail(f->fake, &(struct fake_fault){.at = 5,
					.count = 1000,
					.address = "0000:01:00.0",
					.kind = FAKE_ERRNO,
					.error = EIO});
	assert_int_equal(fixture_bind(f, "0000:01:00.0 0000:02:00.0", NULL, &result, &err), -1);
	assert_non_null(find_problem(&err, "0000:01:00.0", REASON_UNDO_FAILED));
	fixture_assert_driver(f, "0000:01:00.0", "vfio-pci");
	fixture_assert_driver(f, "0000:02:00.0", "e1000e");
	fake_hand_clear(f->fake);
	fixture_must_unbind(f, "0000:01:00.0");
	fixture_assert_driver(f, "0000:01:00.0", "nvidia");
}

static void a_device_pulled_out_meanwhile_does_not_keep_the_others_from_coming_back(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct change_result result;
	struct fixture *f = *state;

	fake_hand_fail(f->fake, &(struct fake_fault){.at = 5, .kind = FAKE_VANISH});
	assert_int_equal(fixture_bind(f, "0000:01:00.0 0000:02:00.0", NULL, &result, &err), -1);
	fixture_assert_driver(f, "0000:01:00.0", "nvidia");
	fixture_assert_override(f, "0000:01:00.0", "");
	assert_null(find_problem(&err, "0000:02:00.0", REASON_UNDO_FAILED));
}

static struct change_request within_ms(int64_t ms)
{
	return (struct change_request){.deadline = now_ns() + ms * 1000000};
}

static void a_write_that_never_returns_ends_at_the_deadline_and_is_pending(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct change_request soon = within_ms(4000);
	struct change_result result;
	struct fixture *f = *state;

	fixture_must_bind(f, "0000:01:00.0");
	fake_hand_clear(f->fake);
	/* The one after the override: the unbind. */
	fake_hand_fail(f->fake, &(struct fake_fault){.at = 2, .kind = FAKE_HANG});
	assert_int_equal(fixture_unbind(f, "0000:01:00.0", &soon, &result, &err), -1);
	assert_int_equal(err.code, CORE_DEADLINE);
	assert_non_null(find_problem(&err, "0000:01:00.0", REASON_UNDO_FAILED));
	core_error_clear(&err);
	assert_int_equal(fixture_unbind(f, "0000:01:00.0", NULL, &result, &err), -1);
	assert_int_equal(err.problems.items[0].reason, REASON_UNBIND_PENDING);
	core_error_clear(&err);
	/* Others go on. */
	fake_hand_clear(f->fake);
	fixture_must_bind(f, "0000:02:00.0");
	/* Whoever held it lets go: the device can be given back. */
	fake_hand_release(f->fake);
	fixture_must_unbind(f, "0000:01:00.0");
	fixture_assert_driver(f, "0000:01:00.0", "nvidia");
	fixture_assert_override(f, "0000:01:00.0", "");
}

/* A bind takes milliseconds, a deadline may fall among them: the undo waits for the write. */
static void a_write_that_is_only_late_is_undone(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(free_cleanup) char *before = NULL;
	struct change_request soon = within_ms(2000);
	struct change_result result;
	struct fixture *f = *state;

	before = tree_snapshot(f->tree);
	fake_hand_fail(f->fake, &(struct fake_fault){.at = 3, .kind = FAKE_LATE, .error = 3000});
	assert_int_equal(fixture_bind(f, "0000:01:00.0", &soon, &result, &err), -1);
	assert_int_equal(err.code, CORE_DEADLINE);
	CLEANUP(free_cleanup) char *after = tree_snapshot(f->tree);
	assert_string_equal(before, after);
	assert_int_equal(err.problems.count, 0);
}

static void a_deadline_already_past_writes_nothing(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct change_request past = within_ms(-1);
	struct change_result result;
	struct fixture *f = *state;

	assert_int_equal(fixture_bind(f, "0000:01:00.0", &past, &result, &err), -1);
	assert_int_equal(err.code, CORE_DEADLINE);
	fixture_assert_log(f, "");
}

static void ignore(void *arg, const char *sentence)
{
	(void)sentence;
	++*(int *)arg;
}

static void a_hand_that_dies_leaves_an_intent_for_the_next_start(void **state)
{
	struct fixture *f = *state;
	CLEANUP(free_cleanup) char *before = tree_snapshot(f->tree);

	for (unsigned k = 1; k <= 8; k++) {
		CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
		struct change_result result;
		int n = 0;

		fake_hand_clear(f->fake);
		fake_hand_fail(f->fake, &(struct fake_fault){.at = k, .kind = FAKE_DIE});
		assert_int_equal(fixture_bind(f, CARDS, NULL, &result, &err), -1);
		assert_int_equal(err.code, CORE_UNAVAILABLE);
		core_error_clear(&err);
		assert_int_equal(fixture_bind(f, "0000:02:00.0", NULL, &result, &err), -1);
		assert_int_equal(err.code, CORE_UNAVAILABLE);
		fixture_stop(f);
		assert_int_equal(fixture_count_intents(f), 3);
		fixture_start(f);
		assert_int_equal(host_recover(f->host, ignore, &n, &err), 0);
		assert_int_equal(n, 3);
		CLEANUP(free_cleanup) char *after = tree_snapshot(f->tree);
		assert_string_equal(before, after);
	}
}

/* Another program that has the database open. */
static void with_database(struct fixture *f, const char *sql, sqlite3 **ret)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/state.db", tree_state(f->tree));
	assert_int_equal(sqlite3_open(path, ret), SQLITE_OK);
	assert_int_equal(sqlite3_exec(*ret, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void a_store_that_cannot_write_stops_the_change_before_it_begins(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct change_result result;
	struct fixture *f = *state;
	sqlite3 *other;

	with_database(f, "BEGIN IMMEDIATE", &other);
	assert_int_equal(fixture_bind(f, "0000:01:00.0", NULL, &result, &err), -1);
	assert_int_equal(err.code, CORE_INTERNAL);
	assert_non_null(strstr(err.message, "state.db"));
	fixture_assert_log(f, "");
	fixture_assert_driver(f, "0000:01:00.0", "nvidia");
	sqlite3_close(other);
	fixture_must_bind(f, "0000:01:00.0");
}

static void a_store_that_fails_at_the_end_undoes_the_change(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(free_cleanup) char *before = NULL;
	struct change_result result;
	struct fixture *f = *state;
	sqlite3 *other;

	before = tree_snapshot(f->tree);
	with_database(f,
		"CREATE TRIGGER full BEFORE DELETE ON intent BEGIN SELECT RAISE(ABORT, 'full'); "
		"END",
		&other);
	assert_int_equal(fixture_bind(f, "0000:01:00.0", NULL, &result, &err), -1);
	assert_int_equal(err.code, CORE_INTERNAL);
	CLEANUP(free_cleanup) char *after = tree_snapshot(f->tree);
	assert_string_equal(before, after);
	assert_int_equal(sqlite3_exec(other, "DROP TRIGGER full", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
}

/* Several requests for one group at once, and one for another. */
struct runner {
	struct fixture *f;
	const char *addresses;
	const char *complaint;
};

static void *bind_and_unbind(void *arg)
{
	struct runner *r = arg;
	struct core_error err = CORE_ERROR_INIT;

	for (int i = 0; i < 20 && !r->complaint; i++) {
		struct change_request request = {.deadline = fixture_deadline()};
		struct change_result result;
		char *text = (char *)r->addresses;

		if (address_list_parse(&text, 1, &request.addresses, &err))
			r->complaint = "parse";
		else if (host_bind(r->f->host, &request, &result, &err))
			r->complaint = "bind";
		else
			change_result_clear(&result);
		if (!r->complaint && host_unbind(r->f->host, &request, &result, &err))
			r->complaint = "unbind";
		else if (!r->complaint)
			change_result_clear(&result);
		address_list_clear(&request.addresses);
	}
	core_error_clear(&err);
	return NULL;
}

static void changes_at_once_end_where_they_began(void **state)
{
	struct fixture *f = *state;
	CLEANUP(free_cleanup) char *before = tree_snapshot(f->tree);
	struct runner runners[] = {
		{.f = f, .addresses = "0000:01:00.0"},
		{.f = f, .addresses = "0000:01:00.1"},
		{.f = f, .addresses = "0000:02:00.0"},
		{.f = f, .addresses = "0000:08:00.0"},
	};
	pthread_t threads[ARRAY_SIZE(runners)];

	for (size_t i = 0; i < ARRAY_SIZE(runners); i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, bind_and_unbind, &runners[i]), 0);
	for (size_t i = 0; i < ARRAY_SIZE(runners); i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < ARRAY_SIZE(runners); i++) {
		if (runners[i].complaint)
			fail_msg("%s: %s", runners[i].addresses, runners[i].complaint);
	}
	CLEANUP(free_cleanup) char *after = tree_snapshot(f->tree);
	assert_string_equal(before, after);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_bind_that_fails_anywhere_changes_nothing),
		TEST(a_bind_whose_failed_write_had_its_effect_changes_nothing),
		TEST(an_unbind_that_fails_anywhere_changes_nothing),
		TEST(an_unbind_whose_failed_write_had_its_effect_changes_nothing),
		TEST(a_kernel_that_reports_success_is_not_believed),
		TEST(the_undo_goes_backwards),
		TEST(devices_that_were_not_reached_are_not_touched),
		TEST(one_that_cannot_be_undone_does_not_keep_the_others_from_it),
		TEST(a_device_stuck_on_vfio_is_given_back_by_a_later_unbind),
		TEST(a_device_pulled_out_meanwhile_does_not_keep_the_others_from_coming_back),
		TEST(a_write_that_never_returns_ends_at_the_deadline_and_is_pending),
		TEST(a_write_that_is_only_late_is_undone),
		TEST(a_deadline_already_past_writes_nothing),
		TEST(a_hand_that_dies_leaves_an_intent_for_the_next_start),
		TEST(a_store_that_cannot_write_stops_the_change_before_it_begins),
		TEST(a_store_that_fails_at_the_end_undoes_the_change),
		TEST(changes_at_once_end_where_they_began),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
