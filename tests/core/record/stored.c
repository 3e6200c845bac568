/* SPDX-License-Identifier: MIT */
/* A database in a folder of its own. */
#include "tests/core/record/stored.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

int stored_setup(void **state)
{
	struct stored *g = calloc(1, sizeof(*g));

	g->tree = tree_new();
	g->boot = (struct boot){.id = "01234567-89ab-4def-8123-456789abcdef", .time = 1000};
	snprintf(g->path, sizeof(g->path), "%s/state.db", tree_state(g->tree));
	assert_int_equal(store_open(tree_state(g->tree), &g->boot, &g->store, &g->err), 0);
	*state = g;
	return 0;
}

int stored_teardown(void **state)
{
	struct stored *g = *state;

	store_close(g->store);
	core_error_clear(&g->err);
	tree_free(g->tree);
	free(g);
	return 0;
}

void reopen(struct stored *g)
{
	store_close(STEAL(g->store));
	assert_int_equal(store_open(tree_state(g->tree), &g->boot, &g->store, &g->err), 0);
}

struct device_origin origin(const char *address, const char *driver, const char *override)
{
	struct device_origin o = {.identity = {0x10de, 0x2204, 0x1043, 0x87d5}};

	assert_true(pci_address_parse(address, &o.address));
	strcpy(o.driver, driver);
	strcpy(o.override, override);
	return o;
}

struct intent *intent_of(enum intent_kind kind, const struct device_origin *before, size_t n)
{
	struct intent *intent = intent_new(kind, n);

	if (!intent)
		abort();
	memcpy(intent->before, before, n * sizeof(*before));
	intent->n_devices = n;
	return intent;
}

int begin(struct stored *g, const struct device_origin *before, size_t n, int64_t *ret)
{
	CLEANUP(free_cleanup) struct intent *intent = intent_of(CHANGE_BIND, before, n);
	int result = store_begin(g->store, intent, &g->err);

	*ret = intent->id;
	return result;
}

int end(struct stored *g, int64_t id, const struct device_origin *add, size_t n_add,
	const struct pci_address *drop, size_t n_drop)
{
	CLEANUP(store_outcome_clear) struct store_outcome outcome = {0};
	const struct intent intent = {.id = id, .phase = CHANGE_ENDED};

	for (size_t i = 0; i < n_add; i++)
		assert_int_equal(store_outcome_add(&outcome, &add[i], false), 0);
	for (size_t i = 0; i < n_drop; i++) {
		const struct device_origin record = {.address = drop[i]};
		assert_int_equal(store_outcome_add(&outcome, &record, true), 0);
	}
	return store_end(g->store, &intent, &outcome, &g->err);
}

/* Adds a device to a text of 1024 bytes. */
static void list_one(char *text, const struct device_origin *o)
{
	size_t n = strlen(text);
	char address[PCI_ADDRESS_SIZE];

	pci_address_format(o->address, address);
	snprintf(text + n, 1024 - n, "%s %04x:%04x %04x:%04x %s,%s|", address, o->identity.vendor,
		o->identity.device, o->identity.subsystem_vendor, o->identity.subsystem_device,
		o->driver, o->override);
}

void assert_origins(struct stored *g, const char *expected)
{
	CLEANUP(free_cleanup) struct origin_list *list = NULL;
	char text[1024] = "";

	assert_int_equal(store_origins(g->store, &list, &g->err), 0);
	for (size_t i = 0; list && i < list->count; i++)
		list_one(text, &list->items[i]);
	assert_string_equal(text, expected);
}

void assert_intents(struct stored *g, const char *expected)
{
	CLEANUP(intent_list_cleanup) struct intent *list = NULL;
	char text[1024] = "";

	assert_int_equal(store_intents(g->store, &list, &g->err), 0);
	for (const struct intent *intent = list; intent; intent = intent->next) {
		for (size_t i = 0; i < intent->n_devices; i++) {
			size_t n = strlen(text);
			snprintf(text + n, sizeof(text) - n, "%d:", (int)intent->id);
			list_one(text, &intent->before[i]);
		}
	}
	assert_string_equal(text, expected);
}

bool by_sql(struct stored *g, const char *sql)
{
	sqlite3_stmt *q = NULL;
	sqlite3 *db;
	bool row = false;

	assert_int_equal(sqlite3_open(g->path, &db), SQLITE_OK);
	while (*sql) {
		assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, &sql), SQLITE_OK);
		int rc = sqlite3_step(q);
		assert_true(rc == SQLITE_DONE || rc == SQLITE_ROW);
		row |= rc == SQLITE_ROW;
		sqlite3_finalize(q);
	}
	sqlite3_close(db);
	return row;
}

struct device_origin take(struct stored *g)
{
	CLEANUP(free_cleanup) struct origin_list *list = NULL;

	assert_int_equal(store_origins(g->store, &list, &g->err), 0);
	assert_non_null(list);
	assert_int_equal(list->count, 1);
	return list->items[0];
}

struct intent *take_intent(struct stored *g)
{
	struct intent *list;

	assert_int_equal(store_intents(g->store, &list, &g->err), 0);
	assert_non_null(list);
	assert_null(list->next);
	return list;
}
