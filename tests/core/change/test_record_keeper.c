/* SPDX-License-Identifier: MIT */
/* Records that end on disk, and records of an older version that are taken over. */
#include "core/base/clock.h"
#include "core/base/util.h"
#include "core/use/vfio_nodes.h"
#include "tests/core/change/changes.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define GPU "0000:01:00.0"
#define AUDIO "0000:01:00.1"
#define NIC "0000:02:00.0"

static const char EVENT[] = "bind@/devices/pci0000:00/0000:01:00.0\0SUBSYSTEM=pci";

/* Has another program run this on the database, and returns what it answers, or -1. */
static int by_sql(struct fixture *f, const char *sql)
{
	char path[300];
	sqlite3_stmt *q;
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/state.db", tree_state(f->tree));
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
	int value = sqlite3_step(q) == SQLITE_ROW ? sqlite3_column_int(q, 0) : -1;
	sqlite3_finalize(q);
	sqlite3_close(db);
	return value;
}

static int count(struct fixture *f)
{
	return by_sql(f, "SELECT count(*) FROM origin");
}

static void await_count(struct fixture *f, int n)
{
	const struct timespec pause = {.tv_nsec = 5000000};

	for (int i = 0; i < 2000 && count(f) != n; i++)
		nanosleep(&pause, NULL);
	assert_int_equal(count(f), n);
}

/* A daemon that is told of events by the descriptor that is returned. */
static int start_told(struct fixture *f)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	int fds[2];

	fixture_stop(f);
	assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	f->fake = fake_helper_new(f->tree, &f->helper);
	const struct host_config config = {.root = tree_root(f->tree),
		.state = tree_state(f->tree),
		.lock_fd = tree_open_locks(f->tree),
		.uevent_fd = fds[0],
		.helper = f->helper};
	assert_int_equal(host_open(&config, &f->host, &err), 0);
	assert_int_equal(host_recover(f->host, NULL, NULL, &err), 0);
	return fds[1];
}

static void tell(int fd)
{
	assert_int_equal(write(fd, EVENT, sizeof(EVENT)), sizeof(EVENT));
}

static void a_record_ends_when_another_tool_has_the_device(void **state)
{
	struct fixture *f = *state;
	CLEANUP(fd_cleanup) int events = start_told(f);

	fixture_must_bind(f, GPU " " NIC);
	assert_int_equal(count(f), 2);
	tree_unbind(f->tree, GPU);
	tell(events);
	tree_bind(f->tree, GPU, "vfio-pci");
	tell(events);
	await_count(f, 1);
	tree_unbind(f->tree, NIC);
	tree_bind(f->tree, NIC, "e1000e");
	tell(events);
	await_count(f, 0);
}

static void a_record_ends_when_the_device_leaves(void **state)
{
	struct fixture *f = *state;
	CLEANUP(fd_cleanup) int events = start_told(f);

	fixture_must_bind(f, NIC);
	tree_remove_device(f->tree, NIC);
	tell(events);
	await_count(f, 0);
}

/* NIC shows that the keeper has looked. */
static void a_device_without_a_driver_keeps_its_record(void **state)
{
	struct fixture *f = *state;
	CLEANUP(fd_cleanup) int events = start_told(f);

	fixture_must_bind(f, GPU " " NIC);
	tree_unbind(f->tree, GPU);
	tree_unbind(f->tree, NIC);
	tree_bind(f->tree, NIC, "e1000e");
	tell(events);
	await_count(f, 1);
	fixture_must_unbind(f, GPU);
	fixture_assert_driver(f, GPU, "nvidia");
}

struct telling {
	struct fixture *f;
	int events;
};

/* In the middle of the unbind GPU is on another driver than ours. That the record of AUDIO, which
 * comes behind it, ends shows that the keeper has looked at both. */
static void tell_and_wait(void *arg)
{
	struct telling *t = arg;

	tree_unbind(t->f->tree, AUDIO);
	tree_bind(t->f->tree, AUDIO, "snd_hda_intel");
	tell(t->events);
	await_count(t->f, 2);
}

static void a_change_under_way_has_the_last_word(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct fixture *f = *state;
	CLEANUP(fd_cleanup) int events = start_told(f);
	struct telling telling = {f, events};
	struct change_result result;
	struct device_origin origin;

	fixture_must_bind(f, GPU " " AUDIO " " NIC);
	fake_helper_clear(f->fake);
	/* GPU has been given to nvidia by then; the first step of NIC fails. */
	fake_helper_after(f->fake, 3, tell_and_wait, &telling);
	fake_helper_fail(f->fake, &(struct fake_fault){.at = 4, .kind = FAKE_ERRNO, .error = EIO});
	assert_int_equal(fixture_unbind(f, GPU " " NIC, NULL, &result, &err), -1);
	CLEANUP(device_cleanup) struct device *d = fixture_device(f, GPU);
	assert_true(host_origin(f->host, d, &origin));
	assert_string_equal(origin.driver, "nvidia");
}

static void records_that_do_not_hold_end_at_the_start(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct fixture *f = *state;

	fixture_must_bind(f, GPU " " NIC);
	fixture_stop(f);
	tree_unbind(f->tree, GPU);
	tree_bind(f->tree, GPU, "vfio-pci");
	fixture_start(f);
	assert_int_equal(host_recover(f->host, NULL, NULL, &err), 0);
	assert_int_equal(count(f), 1);
}

/* As the migration leaves the records of an older version. */
static void make_old(struct fixture *f)
{
	fixture_stop(f);
	by_sql(f, "UPDATE origin SET folder = 0, link = 0");
}

static struct device_origin taken_over(struct fixture *f, const char *address)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct device_origin origin = {.driver = "no record"};

	fixture_start(f);
	assert_int_equal(host_recover(f->host, NULL, NULL, &err), 0);
	CLEANUP(device_cleanup) struct device *d = fixture_device(f, address);
	host_origin(f->host, d, &origin);
	return origin;
}

static void bind_wished(struct fixture *f, uint32_t mode)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	const struct change_request wish = {.access = {.has_mode = true, .mode = mode}};
	struct change_result result;

	if (fixture_bind(f, GPU, &wish, &result, &err))
		fail_msg("%s", err.message);
	change_result_clear(&result);
}

static void an_old_record_is_taken_over_with_the_nodes_that_it_has(void **state)
{
	struct fixture *f = *state;

	bind_wished(f, 0640);
	make_old(f);
	struct device_origin origin = taken_over(f, GPU);
	assert_string_equal(origin.driver, "nvidia");
	assert_true(origin.access.has_mode);
	assert_int_not_equal(origin.binding.link, 0);
	assert_int_equal(fixture_state(f, GPU), STATE_VFIO);
	/* From here on it is of this binding. */
	fixture_stop(f);
	tree_unbind(f->tree, GPU);
	tree_bind(f->tree, GPU, "vfio-pci");
	origin = taken_over(f, GPU);
	assert_string_equal(origin.driver, "no record");
}

/* The kernel makes nodes root's alone: this is perhaps another binding. */
static void an_old_record_gets_no_nodes_that_it_does_not_have(void **state)
{
	struct fixture *f = *state;

	bind_wished(f, 0640);
	make_old(f);
	tree_unbind(f->tree, GPU);
	tree_bind(f->tree, GPU, "vfio-pci");
	struct device_origin origin = taken_over(f, GPU);
	assert_string_equal(origin.driver, "nvidia");
	assert_false(node_access_any(&origin.access));
}

static void an_old_record_of_a_device_without_a_driver_stays(void **state)
{
	struct fixture *f = *state;

	bind_wished(f, 0640);
	make_old(f);
	tree_unbind(f->tree, GPU);
	assert_string_equal(taken_over(f, GPU).driver, "nvidia");
	fixture_must_unbind(f, GPU);
	fixture_assert_driver(f, GPU, "nvidia");
}

static void an_old_record_of_a_device_on_its_own_driver_ends(void **state)
{
	struct fixture *f = *state;

	bind_wished(f, 0640);
	make_old(f);
	tree_unbind(f->tree, GPU);
	tree_bind(f->tree, GPU, "nvidia");
	assert_string_equal(taken_over(f, GPU).driver, "no record");
	assert_int_equal(count(f), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_record_ends_when_another_tool_has_the_device),
		TEST(a_record_ends_when_the_device_leaves),
		TEST(a_device_without_a_driver_keeps_its_record),
		TEST(a_change_under_way_has_the_last_word),
		TEST(records_that_do_not_hold_end_at_the_start),
		TEST(an_old_record_is_taken_over_with_the_nodes_that_it_has),
		TEST(an_old_record_gets_no_nodes_that_it_does_not_have),
		TEST(an_old_record_of_a_device_without_a_driver_stays),
		TEST(an_old_record_of_a_device_on_its_own_driver_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
