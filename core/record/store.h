/* SPDX-License-Identifier: MIT */
/*
 * What the kernel cannot know, on disk: original drivers and unfinished changes.
 *
 * The kernel is the truth about what is; the store only holds what it was. Every change is an
 * intent: written and synced before the first write to /sys, taken away together with the records
 * it makes or ends. An intent found at start is one that was cut off.
 *
 * Thread-safe; a call blocks for a disk sync (about a millisecond) at most.
 */
#pragma once

#include "core/record/origin.h"

struct store;

/* What an intent came to. All lists may be empty: then it was undone. */
struct store_outcome {
	const struct device_origin
		*add; /* records of devices now ours; each takes an old one's place */
	size_t n_add;
	const struct pci_address *drop; /* records that end */
	size_t n_drop;
	/* Devices whose write has not returned: the intent goes on with these alone, as left_what.
	 */
	const struct device_origin *left;
	size_t n_left;
	const char *left_what;
};

/* Opens or makes the database in the folder. CORE_INTERNAL with a sentence when it cannot be read,
 * is no database or is of a newer version: nothing is overwritten then. */
int store_open(const char *folder, struct store **ret, struct core_error *err);

/* Closes it; NULL is fine. */
void store_close(struct store *store);

/* Calls fn for every record, in order of address, until it returns non-zero; below 0 is for lack of
 * memory, and an error. */
int store_each(struct store *store, int (*fn)(void *arg, const struct device_origin *), void *arg,
	struct core_error *err);

/* Writes down that these devices, now as given, are about to be changed; synced on return. They
 * leave any older intent that could not be ended. */
int store_begin(struct store *store, const char *what, const struct device_origin *before, size_t n,
	int64_t *ret_intent, struct core_error *err);

/* Ends an intent in one transaction with what came of it. */
int store_end(struct store *store, int64_t intent, const struct store_outcome *outcome,
	struct core_error *err);

/* Takes what has gathered in the log into the database, when that is much. To be called after a
 * request has its answer: it syncs, and none should wait for it. */
void store_tidy(struct store *store);

/* Calls fn for every device of every unfinished intent, newest first, until it returns non-zero;
 * below 0 is for lack of memory, and an error. */
int store_each_intent(struct store *store,
	int (*fn)(void *arg, int64_t intent, const char *what, const struct device_origin *before),
	void *arg, struct core_error *err);
