/* SPDX-License-Identifier: MIT */
/* The database. */
#include "tests/core/record/stored.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* The syncs that SQLite makes, counted where they pass: this program's definitions come before
 * libc's. */
static unsigned n_syncs;

int fsync(int fd)
{
	n_syncs++;
	return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fildes)
{
	n_syncs++;
	return (int)syscall(SYS_fdatasync, fildes);
}

static void records_survive_a_restart_in_order_of_address(void **state)
{
	struct stored *g = *state;
	struct device_origin rows[] = {
		origin("ffffffff:ff:1f.7", "nvme", ""),
		origin("0000:01:00.0", "nvidia", "kept"),
		origin("0000:01:00.1", "", ""),
	};
	int64_t intent;

	assert_int_equal(begin(g, rows, 3, &intent), 0);
	assert_origins(g, "");
	assert_int_equal(end(g, intent, rows, 3, NULL, 0), 0);
	reopen(g);
	assert_origins(g, "0000:01:00.0 10de:2204 1043:87d5 nvidia,kept|"
			  "0000:01:00.1 10de:2204 1043:87d5 ,|"
			  "ffffffff:ff:1f.7 10de:2204 1043:87d5 nvme,|");
	assert_intents(g, "");
}

static void a_new_record_takes_an_old_ones_place_and_dropping_is_exact(void **state)
{
	struct stored *g = *state;
	struct device_origin a = origin("0000:01:00.0", "nvidia", "");
	struct device_origin b = origin("0000:01:00.1", "snd_hda_intel", "");
	struct pci_address absent = {0, 9, 9, 1};

	assert_int_equal(end(g, 0, &a, 1, NULL, 0), 0);
	strcpy(a.driver, "nouveau");
	assert_int_equal(end(g, 0, &a, 1, NULL, 0), 0);
	assert_int_equal(end(g, 0, &b, 1, &absent, 1), 0);
	assert_int_equal(end(g, 0, NULL, 0, &b.address, 1), 0);
	assert_origins(g, "0000:01:00.0 10de:2204 1043:87d5 nouveau,|");
}

static void an_unfinished_intent_is_found_after_a_restart(void **state)
{
	struct stored *g = *state;
	struct device_origin rows[] = {
		origin("0000:01:00.1", "snd_hda_intel", ""),
		origin("0000:01:00.0", "nvidia", "x"),
		origin("0000:02:00.0", "e1000e", ""),
	};
	int64_t first, second, third;

	assert_int_equal(begin(g, rows, 2, &first), 0);
	assert_int_equal(begin(g, rows + 2, 1, &second), 0);
	assert_int_equal(begin(g, rows + 2, 1, &third), 0);
	assert_int_equal(end(g, second, NULL, 0, NULL, 0), 0);
	reopen(g);
	assert_intents(g, "3:0000:02:00.0 10de:2204 1043:87d5 e1000e,|"
			  "1:0000:01:00.0 10de:2204 1043:87d5 nvidia,x|"
			  "1:0000:01:00.1 10de:2204 1043:87d5 snd_hda_intel,|");
	assert_int_equal(end(g, third, NULL, 0, NULL, 0), 0);
	assert_int_equal(end(g, first, NULL, 0, NULL, 0), 0);
	assert_intents(g, "");
	/* A number is never used again. */
	assert_int_equal(begin(g, rows, 1, &second), 0);
	assert_true(second > third);
}

static void devices_that_change_anew_leave_an_intent_that_could_not_be_ended(void **state)
{
	struct stored *g = *state;
	struct device_origin rows[] = {
		origin("0000:01:00.0", "nvidia", "x"),
		origin("0000:01:00.1", "snd_hda_intel", ""),
	};
	int64_t intent;

	assert_int_equal(begin(g, rows, 2, &intent), 0);
	assert_int_equal(begin(g, rows, 1, &intent), 0);
	assert_intents(g, "2:0000:01:00.0 10de:2204 1043:87d5 nvidia,x|"
			  "1:0000:01:00.1 10de:2204 1043:87d5 snd_hda_intel,|");
	assert_int_equal(begin(g, rows, 2, &intent), 0);
	assert_int_equal(end(g, intent, rows, 2, NULL, 0), 0);
	reopen(g);
	assert_intents(g, "");
}

static void an_intent_that_cannot_be_written_leaves_nothing(void **state)
{
	struct stored *g = *state;
	struct device_origin twice[] = {
		origin("0000:01:00.0", "nvidia", ""), origin("0000:01:00.0", "nvidia", "")};
	int64_t intent;

	assert_int_equal(begin(g, twice, 2, &intent), -1);
	assert_int_equal(g->err.code, CORE_INTERNAL);
	assert_non_null(strstr(g->err.message, g->path));
	assert_intents(g, "");
	/* The failed transaction does not stay open. */
	assert_int_equal(begin(g, twice, 1, &intent), 0);
}

/* However many came before: the log is taken into the database while nobody waits. */
static void a_request_syncs_three_times_at_most(void **state)
{
	enum { REQUESTS = 1500 };
	struct device_origin gpu = origin("0000:01:00.0", "nvidia", "");
	struct stored *g = *state;
	unsigned most = 0, all = 0;
	char log[320];
	struct stat status;
	int64_t intent;

	for (int i = 0; i < REQUESTS; i++) {
		n_syncs = 0;
		assert_int_equal(begin(g, &gpu, 1, &intent), 0);
		assert_true(n_syncs >= 1 && n_syncs <= 2);
		assert_int_equal(end(g, intent, &gpu, 1, NULL, 0), 0);
		most = n_syncs > most ? n_syncs : most;
		all += n_syncs;
		store_tidy(g->store);
	}
	assert_true(most >= 2 && most <= 3);
	assert_true(all >= 2 * REQUESTS && all <= 2 * REQUESTS + REQUESTS / 10);
	snprintf(log, sizeof(log), "%s-wal", g->path);
	assert_int_equal(stat(log, &status), 0);
	assert_true(status.st_size < 2 << 20);
}

static void wishes_for_nodes_are_kept_each_by_itself(void **state)
{
	struct stored *g = *state;

	for (unsigned i = 0; i < 8; i++) {
		struct device_origin o = origin("0000:01:00.0", "nvidia", "");
		int64_t intent;

		o.access = (struct node_access){.has_uid = i & 1,
			.has_gid = i & 2,
			.has_mode = i & 4,
			.uid = UINT32_MAX - 1,
			.gid = 0,
			.mode = 0660};
		o.idle_use_count = i;
		assert_int_equal(begin(g, &o, 1, &intent), 0);
		reopen(g);
		CLEANUP(free_cleanup) struct intent *left = take_intent(g);
		assert_int_equal(end(g, intent, &o, 1, NULL, 0), 0);
		struct device_origin found = take(g);
		assert_int_equal(found.idle_use_count, i);
		assert_int_equal(left->before[0].idle_use_count, i);
		const struct node_access *both[] = {&found.access, &left->before[0].access};
		for (size_t k = 0; k < ARRAY_SIZE(both); k++) {
			assert_int_equal(both[k]->has_uid, o.access.has_uid);
			assert_int_equal(both[k]->has_gid, o.access.has_gid);
			assert_int_equal(both[k]->has_mode, o.access.has_mode);
			if (i & 1)
				assert_int_equal(both[k]->uid, UINT32_MAX - 1);
			if (i & 4)
				assert_int_equal(both[k]->mode, 0660);
		}
	}
}

static void an_intent_goes_on_with_what_is_left_of_it(void **state)
{
	struct stored *g = *state;
	struct device_origin rows[] = {origin("0000:01:00.0", "a", ""),
		origin("0000:02:00.0", "b", ""), origin("0000:03:00.0", "c", "")};
	CLEANUP(free_cleanup) struct intent *intent = intent_of(CHANGE_BIND, rows, 3);
	CLEANUP(store_outcome_clear) struct store_outcome outcome = {0};

	assert_int_equal(store_begin(g->store, intent, &g->err), 0);
	assert_int_equal(store_outcome_add(&outcome, &rows[0], false), 0);
	intent->phase = CHANGE_ROLLING_BACK;
	intent->before[0] = rows[1];
	intent->n_devices = 1;
	assert_int_equal(store_end(g->store, intent, &outcome, &g->err), 0);
	reopen(g);
	assert_origins(g, "0000:01:00.0 10de:2204 1043:87d5 a,|");
	assert_intents(g, "1:0000:02:00.0 10de:2204 1043:87d5 b,|");
	CLEANUP(free_cleanup) struct intent *left = take_intent(g);
	assert_int_equal(left->phase, CHANGE_ROLLING_BACK);
	assert_int_equal(end(g, left->id, NULL, 0, NULL, 0), 0);
	assert_intents(g, "");
	assert_origins(g, "0000:01:00.0 10de:2204 1043:87d5 a,|");
}

static void texts_are_data_and_no_sql(void **state)
{
	struct stored *g = *state;
	struct device_origin o = origin("0000:01:00.0", "a'); DROP TABLE origin;--", "\"'%s\xff");

	assert_int_equal(end(g, 0, &o, 1, NULL, 0), 0);
	reopen(g);
	assert_origins(g, "0000:01:00.0 10de:2204 1043:87d5 a'); DROP TABLE origin;--,\"'%s\xff|");
}

static void another_boot_ends_the_records_and_shows_in_the_intents(void **state)
{
	struct stored *g = *state;
	struct device_origin gpu = origin("0000:01:00.0", "nvidia", "");
	struct device_origin audio = origin("0000:01:00.1", "snd_hda_intel", "");
	int64_t id;

	assert_int_equal(end(g, 0, &gpu, 1, NULL, 0), 0);
	assert_int_equal(begin(g, &audio, 1, &id), 0);
	reopen(g);
	CLEANUP(free_cleanup) struct intent *same = take_intent(g);
	assert_false(same->is_of_another_boot);
	strcpy(g->boot.id, "76543210-89ab-4def-8123-456789abcdef");
	reopen(g);
	assert_origins(g, "");
	CLEANUP(free_cleanup) struct intent *other = take_intent(g);
	assert_true(other->is_of_another_boot);
	/* The boot that wrote them does not come again. */
	strcpy(g->boot.id, "01234567-89ab-4def-8123-456789abcdef");
	reopen(g);
	assert_origins(g, "");
}

static void a_binding_is_kept(void **state)
{
	struct stored *g = *state;
	struct device_origin gpu = origin("0000:01:00.0", "nvidia", "");

	gpu.binding = (struct device_inodes){.folder = 1, .link = UINT64_MAX};
	assert_int_equal(end(g, 0, &gpu, 1, NULL, 0), 0);
	reopen(g);
	struct device_origin found = take(g);
	assert_true(device_inodes_equal(found.binding, gpu.binding));
}

static bool forget(struct stored *g, const struct device_origin *record)
{
	bool forgotten;

	assert_int_equal(store_forget(g->store, record, &forgotten, &g->err), 0);
	return forgotten;
}

static void only_the_record_that_was_meant_is_forgotten(void **state)
{
	struct stored *g = *state;
	struct device_origin gpu = origin("0000:01:00.0", "nvidia", "");
	int64_t id;

	gpu.binding = (struct device_inodes){5, 6};
	struct device_origin other = gpu;
	assert_int_equal(end(g, 0, &gpu, 1, NULL, 0), 0);
	/* It was bound anew by us, since it was looked at. */
	other.binding.link = 7;
	assert_false(forget(g, &other));
	other.binding = (struct device_inodes){4, 6};
	assert_false(forget(g, &other));
	/* A change of it may bring it back. */
	assert_int_equal(begin(g, &gpu, 1, &id), 0);
	assert_false(forget(g, &gpu));
	assert_int_equal(end(g, id, NULL, 0, NULL, 0), 0);
	assert_true(forget(g, &gpu));
	assert_false(forget(g, &gpu));
	assert_origins(g, "");
}

/* Bound once more after another tool took it away: but it is another card. */
static void the_original_driver_of_another_card_is_not_kept(void **state)
{
	struct stored *g = *state;
	struct device_origin gpu = origin("0000:01:00.0", "nvidia", "kept");

	gpu.binding = (struct device_inodes){5, 6};
	assert_int_equal(end(g, 0, &gpu, 1, NULL, 0), 0);
	strcpy(gpu.driver, "");
	strcpy(gpu.override, "");
	gpu.binding.link = 7;
	assert_int_equal(end(g, 0, &gpu, 1, NULL, 0), 0);
	assert_origins(g, "0000:01:00.0 10de:2204 1043:87d5 nvidia,kept|");
	gpu.binding.folder = 8;
	assert_int_equal(end(g, 0, &gpu, 1, NULL, 0), 0);
	assert_origins(g, "0000:01:00.0 10de:2204 1043:87d5 ,|");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, stored_setup, stored_teardown)
	const struct CMUnitTest tests[] = {
		TEST(another_boot_ends_the_records_and_shows_in_the_intents),
		TEST(a_binding_is_kept),
		TEST(only_the_record_that_was_meant_is_forgotten),
		TEST(the_original_driver_of_another_card_is_not_kept),
		TEST(records_survive_a_restart_in_order_of_address),
		TEST(a_new_record_takes_an_old_ones_place_and_dropping_is_exact),
		TEST(an_unfinished_intent_is_found_after_a_restart),
		TEST(devices_that_change_anew_leave_an_intent_that_could_not_be_ended),
		TEST(an_intent_that_cannot_be_written_leaves_nothing),
		TEST(a_request_syncs_three_times_at_most),
		TEST(wishes_for_nodes_are_kept_each_by_itself),
		TEST(an_intent_goes_on_with_what_is_left_of_it),
		TEST(texts_are_data_and_no_sql),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
