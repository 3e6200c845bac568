/* SPDX-License-Identifier: MIT */
/* The records in memory. */
#include "core/base/util.h"
#include "core/record/records.h"
#include "tests/core/test.h"
#include "tests/support/tree.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct stored {
	struct tree *tree; /* for its state folder */
	struct store *store;
	struct origins *origins;
	struct core_error err;
};

static int setup(void **state)
{
	struct stored *g = calloc(1, sizeof(*g));

	g->tree = tree_new();
	assert_int_equal(store_open(tree_state(g->tree), &g->store, &g->err), 0);
	assert_int_equal(origins_new(g->store, &g->origins, &g->err), 0);
	*state = g;
	return 0;
}

static int teardown(void **state)
{
	struct stored *g = *state;

	origins_free(g->origins);
	origins_free(NULL);
	store_close(g->store);
	core_error_clear(&g->err);
	tree_free(g->tree);
	free(g);
	return 0;
}

static struct device_origin make_origin(uint8_t bus, const char *driver)
{
	struct device_origin o = {
		.address = {.bus = bus}, .identity = {0x10de, 0x2204, 0x1043, 0x87d5}};

	snprintf(o.driver, sizeof(o.driver), "%s", driver);
	return o;
}

static struct device make_device(uint8_t bus)
{
	return (struct device){.address = {.bus = bus},
		.vendor = 0x10de,
		.device = 0x2204,
		.subsystem_vendor = 0x1043,
		.subsystem_device = 0x87d5};
}

/* Writes records, or ends them. */
static int put(struct stored *g, const struct device_origin *rows, size_t n, bool is_end)
{
	CLEANUP(store_outcome_clear) struct store_outcome outcome = {0};
	const struct intent none = {.phase = CHANGE_ENDED};

	for (size_t i = 0; i < n; i++)
		assert_int_equal(store_outcome_add(&outcome, &rows[i], is_end), 0);
	return store_end(g->store, &none, &outcome, &g->err);
}

static void nothing_is_found_in_an_empty_store(void **state)
{
	struct stored *g = *state;
	struct device d = make_device(1);
	struct device_origin o = {.driver = "untouched"};

	assert_false(origins_find(g->origins, &d, &o));
	assert_string_equal(o.driver, "untouched");
}

static void a_record_shows_after_a_reload(void **state)
{
	struct stored *g = *state;
	struct device d = make_device(1);
	struct device_origin o = make_origin(1, "nvidia"), found;

	assert_int_equal(put(g, &o, 1, false), 0);
	assert_false(origins_find(g->origins, &d, &found));
	assert_int_equal(origins_reload(g->origins, &g->err), 0);
	assert_true(origins_find(g->origins, &d, &found));
	assert_string_equal(found.driver, "nvidia");
	assert_int_equal(put(g, &o, 1, true), 0);
	assert_int_equal(origins_reload(g->origins, &g->err), 0);
	assert_false(origins_find(g->origins, &d, &found));
}

static void another_card_at_the_address_is_not_taken_for_it(void **state)
{
	struct stored *g = *state;
	struct device_origin o = make_origin(1, "nvidia"), found;

	assert_int_equal(put(g, &o, 1, false), 0);
	assert_int_equal(origins_reload(g->origins, &g->err), 0);
	for (int i = 0; i < 4; i++) {
		struct device d = make_device(1);
		uint16_t *ids[] = {&d.vendor, &d.device, &d.subsystem_vendor, &d.subsystem_device};

		++*ids[i];
		assert_false(origins_find(g->origins, &d, &found));
	}
}

static void many_are_found_each_by_its_address(void **state)
{
	struct stored *g = *state;
	struct device_origin rows[200], found;
	char driver[16];

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(driver, sizeof(driver), "d%u", i);
		rows[i] = make_origin((uint8_t)i, driver);
	}
	assert_int_equal(put(g, rows, ARRAY_SIZE(rows), false), 0);
	assert_int_equal(origins_reload(g->origins, &g->err), 0);
	for (unsigned i = 0; i < 256; i++) {
		struct device d = make_device((uint8_t)i);

		assert_int_equal(origins_find(g->origins, &d, &found), i < ARRAY_SIZE(rows));
		if (i < ARRAY_SIZE(rows))
			assert_string_equal(found.driver, rows[i].driver);
	}
}

struct watch {
	struct stored *g;
	atomic_bool stop;
	atomic_uint seen;
};

static void *give_up(struct watch *w, char *complaint)
{
	atomic_store(&w->stop, true);
	return complaint;
}

static void *look(void *arg)
{
	struct watch *w = arg;
	struct device steady = make_device(1), moving = make_device(2);
	struct device_origin found;

	while (!atomic_load(&w->stop)) {
		if (!origins_find(w->g->origins, &steady, &found) ||
			strcmp(found.driver, "steady") != 0)
			return give_up(w, "the steady record was lost");
		if (origins_find(w->g->origins, &moving, &found) &&
			strcmp(found.driver, "moving") != 0)
			return give_up(w, "a torn record");
		atomic_fetch_add(&w->seen, 1);
	}
	return NULL;
}

static void readers_see_whole_records_while_a_writer_reloads(void **state)
{
	struct stored *g = *state;
	struct device_origin rows[] = {make_origin(1, "steady"), make_origin(2, "moving")};
	struct watch w = {.g = g};
	pthread_t threads[3];
	void *complaint;

	assert_int_equal(put(g, rows, 1, false), 0);
	assert_int_equal(origins_reload(g->origins, &g->err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, look, &w), 0);
	for (int i = 0; !atomic_load(&w.stop) && (i < 100 || atomic_load(&w.seen) < 1000); i++) {
		bool add = i % 2 == 0;

		assert_int_equal(put(g, rows + 1, 1, !add), 0);
		assert_int_equal(origins_reload(g->origins, &g->err), 0);
	}
	atomic_store(&w.stop, true);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		pthread_join(threads[i], &complaint);
		if (complaint)
			fail_msg("%s", (char *)complaint);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_found_in_an_empty_store),
		TEST(a_record_shows_after_a_reload),
		TEST(another_card_at_the_address_is_not_taken_for_it),
		TEST(many_are_found_each_by_its_address),
		TEST(readers_see_whole_records_while_a_writer_reloads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
