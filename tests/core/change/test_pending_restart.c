/* SPDX-License-Identifier: MIT */
/* Changes that wait for a write: across restarts, and when their end blocks or fails too. */
#include "core/base/clock.h"
#include "tests/core/change/changes.h"

#include <pthread.h>
#include <string.h>

/* The daemon ends and a new one starts while a write of the old one's helper has not returned. */
static int restart_blocked(struct fixture *f, const char *address)
{
	fixture_stop(f);
	assert_true(fixture_count_intents(f) > 0);
	int lock = fixture_block(f, address);
	fixture_start(f);
	ear_listen(f);
	return lock;
}

/* Repair at start reports one sentence, with these words. */
static void recover_one(struct fixture *f, const char *words)
{
	struct report report;

	recover(f, &report);
	assert_int_equal(report.count, 1);
	assert_non_null(strstr(report.text, words));
}

static void a_restart_does_not_forget_a_change_to_finish(void **state)
{
	struct fixture *f = *state;

	block_at(f, 2, FAKE_HANG, fixture_bind, GPU, NULL, GPU);
	int lock = restart_blocked(f, GPU);
	recover_one(f, "UNBIND_PENDING");
	assert_int_equal(fixture_state(f, GPU), STATE_UNBIND_PENDING);
	assert_int_equal(ear.count, 0);
	/* And once more. */
	fixture_stop(f);
	assert_int_equal(fixture_count_intents(f), 1);
	fixture_start(f);
	ear_listen(f);
	recover_one(f, "UNBIND_PENDING");
	close(lock);
	ear_assert_told(GPU, STATE_VFIO, "vfio-pci");
	ear_assert_over(f, 1);
	fixture_must_unbind(f, GPU);
	fixture_assert_driver(f, GPU, "nvidia");
}

static void a_restart_does_not_forget_a_change_to_roll_back(void **state)
{
	struct fixture *f = *state;
	CLEANUP(free_cleanup) char *before = tree_snapshot(f->tree);

	block_at(f, 2, FAKE_HANG, fixture_bind, "0000:01:00.0 0000:02:00.0", NULL, GPU);
	int lock = restart_blocked(f, GPU);
	recover_one(f, "UNBIND_PENDING");
	tree_unbind(f->tree, GPU);
	close(lock);
	ear_assert_told(GPU, STATE_HOST, "nvidia");
	ear_assert_over(f, 1);
	CLEANUP(free_cleanup) char *after = tree_snapshot(f->tree);
	assert_string_equal(before, after);
}

static void a_write_that_returned_while_no_daemon_ran_is_seen_at_the_next_start(void **state)
{
	struct fixture *f = *state;

	for (int batch = 0; batch < 2; batch++) {
		block_at(f, 2, FAKE_BLOCK, fixture_bind, batch ? "0000:01:00.0 0000:02:00.0" : GPU,
			NULL, GPU);
		fixture_stop(f); /* at which the stand-in's writes return */
		assert_int_equal(fixture_count_intents(f), 1);
		fixture_start(f);
		ear_listen(f);
		recover_one(f, batch ? "it is back on nvidia" : "returned since");
		fixture_assert_driver(f, GPU, batch ? "nvidia" : "vfio-pci");
		ear_assert_over(f, batch ? 0 : 1);
		fixture_must_unbind(f, GPU);
		fixture_assert_driver(f, GPU, "nvidia");
	}
}

/* A bind whose unbind was waited for, and that can then be neither finished nor rolled back. */
static void make_stuck(struct fixture *f)
{
	block_at(f, 2, FAKE_BLOCK, fixture_bind, GPU, NULL, GPU);
	fake_helper_clear(f->fake);
	fake_helper_fail(f->fake,
		&(struct fake_fault){.at = 1, .count = 1000, .kind = FAKE_ERRNO, .error = 5});
	fake_helper_release(f->fake);
	ear_assert_told(GPU, STATE_DRIVERLESS, "");
}

static void what_can_be_neither_finished_nor_rolled_back_is_told_and_kept(void **state)
{
	struct fixture *f = *state;

	make_stuck(f);
	assert_non_null(strstr(ear.sentence, "could not be brought back"));
	fixture_stop(f);
	assert_int_equal(ear.count, 1);
	assert_int_equal(fixture_count_intents(f), 1);
	fixture_start(f);
	/* What failed once is not finished behind anybody's back later. */
	recover_one(f, "it is back on nvidia");
	fixture_assert_driver(f, GPU, "nvidia");
}

/* The one who binds it again must not be told that it never had a driver. */
static void the_driver_of_a_stuck_device_is_remembered(void **state)
{
	struct fixture *f = *state;

	make_stuck(f);
	fake_helper_clear(f->fake);
	fixture_must_bind(f, GPU);
	fixture_must_unbind(f, GPU);
	fixture_assert_driver(f, GPU, "nvidia");
}

static void *open_gate(void *arg)
{
	pthread_barrier_wait(arg);
	return NULL;
}

static void at_gate(void *arg)
{
	open_gate(arg);
}

/* A write that finishes a change may block as well: it is waited for in turn. */
static void a_write_of_the_end_that_blocks_is_waited_for_too(void **state)
{
	struct fixture *f = *state;
	pthread_barrier_t gate;

	pthread_barrier_init(&gate, NULL, 2);
	block_at(f, 2, FAKE_BLOCK, fixture_bind, GPU, NULL, GPU);
	fake_helper_clear(f->fake);
	/* Override and bind are left of it. */
	fake_helper_fail(f->fake, &(struct fake_fault){.at = 2, .kind = FAKE_BLOCK});
	fake_helper_after(f->fake, 2, at_gate, &gate);
	fake_helper_release(f->fake);
	pthread_barrier_wait(&gate);
	/* The thread is in that write now: it cannot be ended at once, and says so. */
	assert_false(host_quiesce(f->host, now_ns() + 1000000));
	assert_int_equal(ear.count, 0);
	assert_int_equal(fixture_state(f, GPU), STATE_UNBIND_PENDING);
	/* When it has given that up it can. */
	assert_true(host_quiesce(f->host, fixture_deadline()));
	fixture_stop(f);
	assert_int_equal(ear.count, 0);
	assert_int_equal(fixture_count_intents(f), 1);
	fixture_start(f);
	ear_listen(f);
	recover_one(f, "returned since");
	ear_assert_told(GPU, STATE_VFIO, "vfio-pci");
	ear_assert_over(f, 1);
	pthread_barrier_destroy(&gate);
}

static void a_write_of_the_end_that_is_late_is_followed_to_its_end(void **state)
{
	struct fixture *f = *state;
	pthread_barrier_t gate;

	pthread_barrier_init(&gate, NULL, 2);
	block_at(f, 2, FAKE_BLOCK, fixture_bind, GPU, NULL, GPU);
	fake_helper_clear(f->fake);
	fake_helper_fail(f->fake, &(struct fake_fault){.at = 2, .kind = FAKE_BLOCK});
	fake_helper_after(f->fake, 2, at_gate, &gate);
	fake_helper_release(f->fake);
	pthread_barrier_wait(&gate);
	/* Longer than the thread waits for its own writes; nothing tells of its giving up. */
	int64_t until = now_ns() + 2500000000;
	while (now_ns() < until)
		assert_int_equal(fixture_state(f, GPU), STATE_UNBIND_PENDING);
	fake_helper_release(f->fake);
	ear_assert_told(GPU, STATE_VFIO, "vfio-pci");
	ear_assert_over(f, 1);
	pthread_barrier_destroy(&gate);
}

static void threads_end_at_once_while_a_write_is_waited_for(void **state)
{
	struct fixture *f = *state;

	block_at(f, 2, FAKE_HANG, fixture_bind, GPU, NULL, GPU);
	assert_true(host_quiesce(f->host, fixture_deadline()));
	assert_true(host_quiesce(f->host, fixture_deadline()));
	fake_helper_release(f->fake);
	fixture_stop(f);
	assert_int_equal(ear.count, 0);
	assert_int_equal(fixture_count_intents(f), 1);
	fixture_start(f);
	ear_listen(f);
	recover_one(f, "returned since");
	fixture_assert_driver(f, GPU, "vfio-pci");
}

static void several_are_waited_for_each_by_itself(void **state)
{
	struct fixture *f = *state;
	char driver[64];

	block_at(f, 2, FAKE_HANG, fixture_bind, GPU, NULL, GPU);
	int lock = fixture_block(f, "0000:08:00.0");
	block_at(f, 1, FAKE_HANG, fixture_bind, NIC, NULL, NIC);
	close(lock);
	fixture_stop(f);
	assert_int_equal(fixture_count_intents(f), 2);
	int first = fixture_block(f, GPU), second = fixture_block(f, NIC);
	fixture_start(f);
	ear_listen(f);
	struct report report;
	recover(f, &report);
	assert_int_equal(report.count, 2);
	close(second);
	ear_assert_told(NIC, STATE_VFIO, "vfio-pci");
	tree_driver(f->tree, GPU, driver, sizeof(driver));
	assert_string_equal(driver, "nvidia");
	assert_int_equal(fixture_state(f, GPU), STATE_UNBIND_PENDING);
	close(first);
	ear_wait(2);
	assert_string_equal(ear.address, GPU);
	ear_assert_over(f, 2);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, ear_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_restart_does_not_forget_a_change_to_finish),
		TEST(a_restart_does_not_forget_a_change_to_roll_back),
		TEST(a_write_that_returned_while_no_daemon_ran_is_seen_at_the_next_start),
		TEST(what_can_be_neither_finished_nor_rolled_back_is_told_and_kept),
		TEST(the_driver_of_a_stuck_device_is_remembered),
		TEST(a_write_of_the_end_that_blocks_is_waited_for_too),
		TEST(a_write_of_the_end_that_is_late_is_followed_to_its_end),
		TEST(threads_end_at_once_while_a_write_is_waited_for),
		TEST(several_are_waited_for_each_by_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
