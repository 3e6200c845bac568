/* SPDX-License-Identifier: MIT */
/*
 * What the kernel cannot know, on disk: original drivers and unfinished changes.
 *
 * The kernel knows what is; the store holds only what was. Every change begins with an intent,
 * which is written and synced before the first write to /sys, and is removed in the same
 * transaction that writes or removes the records. An intent found at the start is a change that was
 * interrupted.
 *
 * Everything is of the boot in which it is written: a record of another boot ends when the database
 * is opened, and an intent of another boot says so.
 *
 * Thread-safe; a call blocks for a disk sync (about a millisecond) at most.
 */
#pragma once

#include "core/pci/boot.h"
#include "core/record/intent.h"

struct store;

/* What becomes of the records when a change ends. Begins as {0}. */
struct store_outcome {
	struct record_change {
		struct device_origin origin;
		bool is_end; /* of the record of this address */
	} * items;
	size_t count;
};

/* Adds a record to be written, in an old one's place, or to be ended. 0 or -ENOMEM. */
int store_outcome_add(
	struct store_outcome *outcome, const struct device_origin *origin, bool is_end);
void store_outcome_clear(struct store_outcome *outcome);

/* Opens the database in the folder, or creates it, and ends the records of other boots than this.
 * CORE_INTERNAL when it cannot be read, is not a
 * database, or was written by a newer version; nothing is overwritten then. */
int store_open(
	const char *folder, const struct boot *boot, struct store **ret, struct core_error *err);

/* Closes it; NULL is fine. */
void store_close(struct store *store);

/* Reads every record of this boot; *ret is for free(), and NULL when there is none. */
int store_origins(struct store *store, struct origin_list **ret, struct core_error *err);

/* Writes an intent, whose devices are about to be changed, and sets its id. It is synced on return.
 * The devices are removed from any older intent that could not be ended. */
int store_begin(struct store *store, struct intent *intent, struct core_error *err);

/* Writes the outcome and the intent's phase and devices, in one transaction. An intent in
 * CHANGE_ENDED is removed. */
int store_end(struct store *store, const struct intent *intent, const struct store_outcome *outcome,
	struct core_error *err);

/* Reads the unfinished intents, the newest first; *ret is for intent_list_cleanup. */
int store_intents(struct store *store, struct intent **ret, struct core_error *err);

/* Ends a record that is still as in origin, unless a change of its device has not ended: such a
 * change may bring the device back, and has the last word. *ret_forgotten: whether it was ended. */
int store_forget(struct store *store, const struct device_origin *origin, bool *ret_forgotten,
	struct core_error *err);

/* Moves the write-ahead log into the database when it has grown. It syncs, so it is to be called
 * after the answer was sent. */
void store_tidy(struct store *store);
