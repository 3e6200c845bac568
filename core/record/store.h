/* SPDX-License-Identifier: MIT */
/*
 * What the kernel cannot know, on disk: original drivers and unfinished changes.
 *
 * The kernel knows what is; the store holds only what was. Every change begins with an intent,
 * which is written and synced before the first write to /sys, and is removed in the same
 * transaction that writes or removes the records. An intent found at the start is a change that was
 * interrupted.
 *
 * Thread-safe; a call blocks for a disk sync (about a millisecond) at most.
 */
#pragma once

#include "core/record/origin.h"

struct store;

/* The outcome of an intent. All lists may be empty: the change was rolled back. */
struct store_outcome {
	const struct device_origin
		*add; /* records of devices now ours; each takes an old one's place */
	size_t n_add;
	const struct pci_address *drop; /* records that end */
	size_t n_drop;
	/* Devices whose write has not returned: the intent stays, with these alone, and is named
	 * left_what. */
	const struct device_origin *left;
	size_t n_left;
	const char *left_what;
};

/* Opens the database in the folder, or creates it. CORE_INTERNAL when it cannot be read, is not a
 * database, or was written by a newer version; nothing is overwritten then. */
int store_open(const char *folder, struct store **ret, struct core_error *err);

/* Closes it; NULL is fine. */
void store_close(struct store *store);

/* Calls fn for every record, in the order of addresses, until fn returns non-zero. A negative value
 * stands for lack of memory and is an error. */
int store_each(struct store *store, int (*fn)(void *arg, const struct device_origin *), void *arg,
	struct core_error *err);

/* Writes an intent: these devices, which are now as given, are about to be changed. It is synced on
 * return. The devices are removed from any older intent that could not be ended. */
int store_begin(struct store *store, const char *what, const struct device_origin *before, size_t n,
	int64_t *ret_intent, struct core_error *err);

/* Ends an intent and writes its outcome, in one transaction. */
int store_end(struct store *store, int64_t intent, const struct store_outcome *outcome,
	struct core_error *err);

/* Moves the write-ahead log into the database when it has grown. It syncs, so it is to be called
 * after the answer was sent. */
void store_tidy(struct store *store);

/* Calls fn for every device of every unfinished intent, the newest intent first, until fn returns
 * non-zero. A negative value stands for lack of memory and is an error. */
int store_each_intent(struct store *store,
	int (*fn)(void *arg, int64_t intent, const char *what, const struct device_origin *before),
	void *arg, struct core_error *err);
