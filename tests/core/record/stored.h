/* SPDX-License-Identifier: MIT */
/* A database in a folder of its own. */
#pragma once

#include "core/base/util.h"
#include "core/record/store.h"
#include "tests/core/test.h"
#include "tests/support/tree.h"

struct stored {
	struct tree *tree; /* for its state folder */
	struct store *store;
	struct boot boot;
	struct core_error err;
	char path[300];
};

/* For cmocka_unit_test_setup_teardown: *state is a struct stored. */
int stored_setup(void **state);
int stored_teardown(void **state);

/* Closes the store and opens it again. */
void reopen(struct stored *g);

/* A device with the ids of a GPU. */
struct device_origin origin(const char *address, const char *driver, const char *override);

/* An intent to change these devices, for free(). */
struct intent *intent_of(enum intent_kind kind, const struct device_origin *before, size_t n);

/* Begins a bind; what store_begin returns, and the intent's id. */
int begin(struct stored *g, const struct device_origin *before, size_t n, int64_t *ret);

/* Ends an intent (0 for none) with records that are written and ended; what store_end returns. */
int end(struct stored *g, int64_t id, const struct device_origin *add, size_t n_add,
	const struct pci_address *drop, size_t n_drop);

/* The records, and the devices of the intents, are as in this text: "ADDRESS IDS DRIVER,OVERRIDE|",
 * for intents with "ID:" before each. */
void assert_origins(struct stored *g, const char *expected);
void assert_intents(struct stored *g, const char *expected);

/* Has another program run these statements. Whether there was a row. */
bool by_sql(struct stored *g, const char *sql);

/* The only record, and the only intent, which is for free(). */
struct device_origin take(struct stored *g);
struct intent *take_intent(struct stored *g);
