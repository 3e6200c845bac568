/* SPDX-License-Identifier: MIT */
/* The records in memory. */
#include "core/base/util.h"
#include "core/pci/real.h"
#include "core/record/records.h"
#include "tests/core/test.h"
#include "tests/support/tree.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct stored {
	struct tree *tree;
	struct sysfs sysfs;
	struct devices *devices;
	struct store *store;
	struct origins *origins;
	struct core_error err;
};

#define STEADY "0000:01:00.0"
#define MOVING "0000:02:00.0"

static int setup(void **state)
{
	static const struct boot boot = {.id = "simulated"};
	struct stored *g = calloc(1, sizeof(*g));

	g->tree = tree_new_standard();
	g->sysfs = (struct sysfs)SYSFS_INIT;
	assert_int_equal(sysfs_open(&g->sysfs, tree_root(g->tree)), 0);
	assert_int_equal(devices_new(&g->sysfs, NULL, &g->devices, &g->err), 0);
	assert_int_equal(store_open(tree_state(g->tree), &boot, &g->store, &g->err), 0);
	assert_int_equal(origins_new(g->store, g->devices, &g->origins, &g->err), 0);
	*state = g;
	return 0;
}

static int teardown(void **state)
{
	struct stored *g = *state;

	origins_free(g->origins);
	origins_free(NULL);
	store_close(g->store);
	devices_free(g->devices);
	sysfs_close(&g->sysfs);
	core_error_clear(&g->err);
	tree_free(g->tree);
	free(g);
	return 0;
}

static struct device *device_at(struct stored *g, const char *address)
{
	struct pci_address a;
	struct device *d;

	assert_true(pci_address_parse(address, &a));
	d = devices_get_or_null(g->devices, a);
	assert_non_null(d);
	return d;
}

/* A record of the device as it is bound now. */
static struct device_origin origin_of(struct stored *g, const char *address, const char *driver)
{
	CLEANUP(device_cleanup) struct device *d = device_at(g, address);
	struct device_origin o = {.address = d->address,
		.identity = device_identity_of(d),
		.access = {.has_uid = true, .uid = 1000}};

	assert_int_equal(device_inodes(g->devices, d, &o.binding), 0);
	snprintf(o.driver, sizeof(o.driver), "%s", driver);
	return o;
}

static bool finds(struct stored *g, const char *address, struct device_origin *ret)
{
	CLEANUP(device_cleanup) struct device *d = device_at(g, address);

	return origins_find(g->origins, d, ret);
}

static bool recalls(struct stored *g, const char *address)
{
	CLEANUP(device_cleanup) struct device *d = device_at(g, address);
	struct device_origin ignored;

	return origins_recall(g->origins, d, &ignored);
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

/* Writes a record of the device as it is bound now. */
static void keep(struct stored *g, const char *address, const char *driver)
{
	struct device_origin o = origin_of(g, address, driver);

	assert_int_equal(put(g, &o, 1, false), 0);
	assert_int_equal(origins_reload(g->origins, &g->err), 0);
}

static void nothing_is_found_in_an_empty_store(void **state)
{
	struct stored *g = *state;
	struct device_origin o = {.driver = "untouched"};

	assert_false(finds(g, STEADY, &o));
	assert_false(recalls(g, STEADY));
	assert_string_equal(o.driver, "untouched");
}

static void a_record_shows_after_a_reload(void **state)
{
	struct stored *g = *state;
	struct device_origin o = origin_of(g, STEADY, "nvidia"), found;

	assert_int_equal(put(g, &o, 1, false), 0);
	assert_false(finds(g, STEADY, &found));
	assert_int_equal(origins_reload(g->origins, &g->err), 0);
	assert_true(finds(g, STEADY, &found));
	assert_string_equal(found.driver, "nvidia");
	assert_true(found.access.has_uid);
	assert_int_equal(put(g, &o, 1, true), 0);
	assert_int_equal(origins_reload(g->origins, &g->err), 0);
	assert_false(finds(g, STEADY, &found));
}

static void another_card_at_the_address_is_not_taken_for_it(void **state)
{
	struct stored *g = *state;
	CLEANUP(device_cleanup) struct device *d = device_at(g, STEADY);
	struct device_origin found;

	keep(g, STEADY, "nvidia");
	for (int i = 0; i < 4; i++) {
		uint16_t *ids[] = {
			&d->vendor, &d->device, &d->subsystem_vendor, &d->subsystem_device};

		++*ids[i];
		assert_false(origins_find(g->origins, d, &found));
		assert_false(origins_recall(g->origins, d, &found));
		--*ids[i];
	}
	assert_true(origins_find(g->origins, d, &found));
}

static void a_record_is_of_one_binding(void **state)
{
	struct stored *g = *state;
	struct device_origin found;

	tree_unbind(g->tree, STEADY);
	tree_bind(g->tree, STEADY, "vfio-pci");
	keep(g, STEADY, "nvidia");
	assert_true(finds(g, STEADY, &found));
	/* By another tool, to the same driver. */
	tree_unbind(g->tree, STEADY);
	tree_bind(g->tree, STEADY, "vfio-pci");
	assert_false(finds(g, STEADY, &found));
	assert_true(recalls(g, STEADY));
	tree_unbind(g->tree, STEADY);
	tree_bind(g->tree, STEADY, "nvidia");
	assert_false(finds(g, STEADY, &found));
}

static void a_driverless_device_keeps_its_record_but_no_wish(void **state)
{
	struct stored *g = *state;
	struct device_origin found;

	keep(g, STEADY, "nvidia");
	tree_unbind(g->tree, STEADY);
	assert_true(finds(g, STEADY, &found));
	assert_string_equal(found.driver, "nvidia");
	assert_false(node_access_any(&found.access));
}

static void an_identical_card_that_comes_inherits_nothing(void **state)
{
	struct stored *g = *state;
	struct device_origin found, o = origin_of(g, STEADY, "nvidia");

	tree_unbind(g->tree, STEADY);
	keep(g, STEADY, "nvidia");
	assert_true(finds(g, STEADY, &found));
	o.binding.folder++; /* the card before it had another folder */
	o.binding.link = 0;
	assert_int_equal(put(g, &o, 1, false), 0);
	assert_int_equal(origins_reload(g->origins, &g->err), 0);
	assert_false(finds(g, STEADY, &found));
}

static void a_device_that_left_has_no_record(void **state)
{
	struct stored *g = *state;
	struct device_origin o = origin_of(g, STEADY, "nvidia");

	assert_int_equal(origins_standing(g->origins, &o, NULL), RECORD_ENDED);
}

static void a_binding_made_anew_is_ours_when_vfiod_says_so(void **state)
{
	struct stored *g = *state;
	struct device_origin found;

	keep(g, STEADY, "nvidia");
	tree_unbind(g->tree, STEADY);
	tree_bind(g->tree, STEADY, "vfio-pci");
	assert_false(finds(g, STEADY, &found));
	found = origin_of(g, STEADY, "");
	origins_rebind(g->origins, found.address, found.binding);
	assert_true(finds(g, STEADY, &found));
	assert_string_equal(found.driver, "nvidia");
}

static void many_are_found_each_by_its_address(void **state)
{
	struct stored *g = *state;
	struct device_origin rows[200], found;
	struct device *d = device_at(g, STEADY);

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		rows[i] = origin_of(g, STEADY, "");
		rows[i].address.bus = (uint8_t)i;
		snprintf(rows[i].driver, sizeof(rows[i].driver), "d%u", i);
	}
	assert_int_equal(put(g, rows, ARRAY_SIZE(rows), false), 0);
	assert_int_equal(origins_reload(g->origins, &g->err), 0);
	for (unsigned i = 0; i < 256; i++) {
		d->address.bus = (uint8_t)i;
		assert_int_equal(origins_find(g->origins, d, &found), i < ARRAY_SIZE(rows));
		if (i < ARRAY_SIZE(rows))
			assert_string_equal(found.driver, rows[i].driver);
	}
	d->address.bus = 1;
	device_unref(d);
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
	CLEANUP(device_cleanup) struct device *steady = device_at(w->g, STEADY);
	CLEANUP(device_cleanup) struct device *moving = device_at(w->g, MOVING);
	struct device_origin found;

	while (!atomic_load(&w->stop)) {
		if (!origins_find(w->g->origins, steady, &found) ||
			strcmp(found.driver, "steady") != 0)
			return give_up(w, "the steady record was lost");
		if (origins_find(w->g->origins, moving, &found) &&
			strcmp(found.driver, "moving") != 0)
			return give_up(w, "a torn record");
		atomic_fetch_add(&w->seen, 1);
	}
	return NULL;
}

static void readers_see_whole_records_while_a_writer_reloads(void **state)
{
	struct stored *g = *state;
	struct device_origin rows[] = {
		origin_of(g, STEADY, "steady"), origin_of(g, MOVING, "moving")};
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
		TEST(a_record_is_of_one_binding),
		TEST(a_driverless_device_keeps_its_record_but_no_wish),
		TEST(an_identical_card_that_comes_inherits_nothing),
		TEST(a_device_that_left_has_no_record),
		TEST(a_binding_made_anew_is_ours_when_vfiod_says_so),
		TEST(many_are_found_each_by_its_address),
		TEST(readers_see_whole_records_while_a_writer_reloads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
