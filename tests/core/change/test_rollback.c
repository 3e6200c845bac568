/* SPDX-License-Identifier: MIT */
/* Bind and unbind: what rolls a change back, and what the rollback comes to. */
#include "core/base/clock.h"
#include "tests/core/change/changes.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

/* Uses that appear while the change is under way, between its plan and the step. */
static void mount_disk(void *arg)
{
	const struct tree *tree = arg;

	tree_append(
		tree, "proc/1/mountinfo", "%s", "31 1 259:7 / /data rw - ext4 /dev/nvme7n1 rw\n");
}

static void start_qemu(void *arg)
{
	struct fake_helper *fake = arg;
	const struct holder qemu = {.pid = 4242, .id = 1, .hold = HOLD_GROUP, .command = "qemu"};

	fake_helper_set_holders(fake, &qemu, 1, 0);
}

static void a_use_that_appears_meanwhile_stops_the_change(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct change_result result;
	struct fixture *f = *state;

	tree_add_disk(
		f->tree, &(struct tree_disk){
				 .name = "nvme7n1", .address = "10000:e1:00.0", .number = "259:7"});
	CLEANUP(free_cleanup) char *before = tree_snapshot(f->tree);
	/* After the first device is bound and the second one's override set. */
	fake_helper_after(f->fake, 4, mount_disk, f->tree);
	assert_int_equal(fixture_bind(f, "0000:01:00.0 10000:e1:00.0", NULL, &result, &err), -1);
	assert_int_equal(err.code, CORE_PRECONDITION);
	assert_int_equal(err.problems.count, 1);
	assert_int_equal(err.problems.items[0].reason, REASON_DISK_IN_USE);
	assert_non_null(strstr(err.message, "/data"));
	assert_non_null(strstr(err.message, "nothing was changed"));
	CLEANUP(free_cleanup) char *log = fake_helper_log(f->fake);
	assert_null(strstr(log, "unbind 10000:e1:00.0"));
	CLEANUP(free_cleanup) char *after = tree_snapshot(f->tree);
	assert_string_equal(before, after);
}

static void a_user_that_appears_meanwhile_stops_the_unbind(void **state)
{
	struct fixture *f = *state;

	for (int forced = 0; forced < 2; forced++) {
		CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
		const struct change_request options = {
			.force = forced ? 1u << REASON_VFIO_IN_USE : 0};
		struct change_result result;

		fake_helper_set_holders(f->fake, NULL, 0, 0);
		fixture_must_bind(f, "0000:01:00.0");
		CLEANUP(free_cleanup) char *before = tree_snapshot(f->tree);
		fake_helper_clear(f->fake);
		fake_helper_after(f->fake, 1, start_qemu, f->fake);
		int rc = fixture_unbind(f, "0000:01:00.0", &options, &result, &err);
		assert_int_equal(rc, forced ? 0 : -1);
		if (forced) {
			change_result_clear(&result);
			break;
		}
		assert_int_equal(err.problems.items[0].reason, REASON_VFIO_IN_USE);
		assert_int_equal(err.problems.items[0].holders[0].pid, 4242);
		assert_non_null(strstr(err.message, "nothing was changed"));
		fixture_assert_log(f, "override 0000:01:00.0\noverride 0000:01:00.0 vfio-pci\n");
		CLEANUP(free_cleanup) char *after = tree_snapshot(f->tree);
		assert_string_equal(before, after);
	}
	fixture_assert_driver(f, "0000:01:00.0", "nvidia");
}

static void the_rollback_goes_backwards(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct change_result result;
	struct fixture *f = *state;

	fake_helper_fail(f->fake, &(struct fake_fault){.at = 6, .kind = FAKE_ERRNO, .error = EIO});
	assert_int_equal(fixture_bind(f, "0000:01:00.0 0000:01:00.1", NULL, &result, &err), -1);
	fixture_assert_log(f, "override 0000:01:00.0 vfio-pci\n"
			      "unbind 0000:01:00.0\n"
			      "bind 0000:01:00.0 vfio-pci\n"
			      "override 0000:01:00.1 vfio-pci\n"
			      "unbind 0000:01:00.1\n"
			      "bind 0000:01:00.1 vfio-pci\n"
			      "override 0000:01:00.1\n"
			      "bind 0000:01:00.1 snd_hda_intel\n"
			      "override 0000:01:00.0\n"
			      "unbind 0000:01:00.0\n"
			      "bind 0000:01:00.0 nvidia\n");
	assert_string_equal(err.problems.items[0].subject, "0000:01:00.1");
	assert_int_equal(err.problems.items[0].reason, REASON_KERNEL_REFUSED);
	assert_non_null(strstr(err.message, "binding device 0000:01:00.1 to vfio-pci failed"));
}

static void devices_that_were_not_reached_are_not_touched(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct change_result result;
	struct fixture *f = *state;

	fake_helper_fail(f->fake, &(struct fake_fault){.at = 1, .kind = FAKE_ERRNO, .error = EIO});
	assert_int_equal(fixture_bind(f, "0000:01:00.0 0000:02:00.0", NULL, &result, &err), -1);
	CLEANUP(free_cleanup) char *log = fake_helper_log(f->fake);
	assert_null(strstr(log, "0000:02:00.0"));
}

/* The second device breaks for good: the first must come back all the same, and the second keep a
 * record so that a later unbind can give it back. */
static void one_that_is_stuck_does_not_keep_the_others_from_it(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct change_result result;
	struct fixture *f = *state;

	fake_helper_fail(f->fake, &(struct fake_fault){.at = 9,
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

	/* Writes 1-3 bind the first; the second's fail, and so does the first's rollback. */
	fake_helper_fail(f->fake, &(struct fake_fault){.at = 4, .kind = FAKE_ERRNO, .error = EIO});
	fake_helper_fail(f->fake, &(struct fake_fault){.at = 5,
					  .count = 1000,
					  .address = "0000:01:00.0",
					  .kind = FAKE_ERRNO,
					  .error = EIO});
	assert_int_equal(fixture_bind(f, "0000:01:00.0 0000:02:00.0", NULL, &result, &err), -1);
	assert_non_null(find_problem(&err, "0000:01:00.0", REASON_UNDO_FAILED));
	fixture_assert_driver(f, "0000:01:00.0", "vfio-pci");
	fixture_assert_driver(f, "0000:02:00.0", "e1000e");
	fake_helper_clear(f->fake);
	fixture_must_unbind(f, "0000:01:00.0");
	fixture_assert_driver(f, "0000:01:00.0", "nvidia");
}

static void a_device_pulled_out_meanwhile_does_not_keep_the_others_from_coming_back(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct change_result result;
	struct fixture *f = *state;

	fake_helper_fail(f->fake, &(struct fake_fault){.at = 5, .kind = FAKE_VANISH});
	assert_int_equal(fixture_bind(f, "0000:01:00.0 0000:02:00.0", NULL, &result, &err), -1);
	fixture_assert_driver(f, "0000:01:00.0", "nvidia");
	fixture_assert_override(f, "0000:01:00.0", "");
	assert_null(find_problem(&err, "0000:02:00.0", REASON_UNDO_FAILED));
}

static struct change_request within_ms(int64_t ms)
{
	return (struct change_request){.deadline = now_ns() + ms * 1000000};
}

/* The step has failed, and the caller was told so: the change of one device is not finished when
 * the write of its rollback returns. */
static void a_rollback_that_blocks_goes_on_as_a_rollback(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct change_result result;
	struct fixture *f = *state;
	CLEANUP(free_cleanup) char *before = tree_snapshot(f->tree);

	fake_helper_fail(f->fake, &(struct fake_fault){.at = 3, .kind = FAKE_ERRNO, .error = EIO});
	fake_helper_fail(f->fake, &(struct fake_fault){.at = 5, .kind = FAKE_BLOCK});
	assert_int_equal(fixture_bind(f, GPU, NULL, &result, &err), -1);
	assert_int_equal(err.code, CORE_ABORTED);
	assert_non_null(find_problem(&err, GPU, REASON_KERNEL_REFUSED));
	assert_non_null(find_problem(&err, GPU, REASON_UNBIND_PENDING));
	assert_non_null(
		strstr(err.message, "the device is UNBIND_PENDING, and vfiod brings it back then"));
	assert_int_equal(fixture_state(f, GPU), STATE_UNBIND_PENDING);
	fake_helper_release(f->fake);
	ear_assert_told(GPU, STATE_HOST, "nvidia");
	ear_assert_over(f, 1);
	CLEANUP(free_cleanup) char *after = tree_snapshot(f->tree);
	assert_string_equal(before, after);
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

static void a_helper_that_dies_leaves_an_intent_for_the_next_start(void **state)
{
	struct fixture *f = *state;
	CLEANUP(free_cleanup) char *before = tree_snapshot(f->tree);

	for (unsigned k = 1; k <= 8; k++) {
		CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
		struct change_result result;
		struct report report;

		fake_helper_clear(f->fake);
		fake_helper_fail(f->fake, &(struct fake_fault){.at = k, .kind = FAKE_DIE});
		assert_int_equal(fixture_bind(f, CARDS, NULL, &result, &err), -1);
		assert_int_equal(err.code, CORE_UNAVAILABLE);
		core_error_clear(&err);
		assert_int_equal(fixture_bind(f, "0000:02:00.0", NULL, &result, &err), -1);
		assert_int_equal(err.code, CORE_UNAVAILABLE);
		fixture_stop(f);
		assert_int_equal(fixture_count_intents(f), 3);
		fixture_start(f);
		recover(f, &report);
		assert_int_equal(report.count, 3);
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

static void a_store_that_fails_at_the_end_rolls_the_change_back(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(free_cleanup) char *before = NULL;
	struct change_result result;
	struct fixture *f = *state;
	sqlite3 *other;

	before = tree_snapshot(f->tree);
	with_database(f,
		"CREATE TRIGGER full BEFORE DELETE ON intent BEGIN SELECT RAISE(ABORT, 'full'); END",
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
#define TEST(f) cmocka_unit_test_setup_teardown(f, ear_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_use_that_appears_meanwhile_stops_the_change),
		TEST(a_user_that_appears_meanwhile_stops_the_unbind),
		TEST(the_rollback_goes_backwards),
		TEST(devices_that_were_not_reached_are_not_touched),
		TEST(one_that_is_stuck_does_not_keep_the_others_from_it),
		TEST(a_device_stuck_on_vfio_is_given_back_by_a_later_unbind),
		TEST(a_device_pulled_out_meanwhile_does_not_keep_the_others_from_coming_back),
		TEST(a_rollback_that_blocks_goes_on_as_a_rollback),
		TEST(a_deadline_already_past_writes_nothing),
		TEST(a_helper_that_dies_leaves_an_intent_for_the_next_start),
		TEST(a_store_that_cannot_write_stops_the_change_before_it_begins),
		TEST(a_store_that_fails_at_the_end_rolls_the_change_back),
		TEST(changes_at_once_end_where_they_began),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
