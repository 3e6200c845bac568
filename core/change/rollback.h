/* SPDX-License-Identifier: MIT */
/* Brings devices back, after a change that failed, was blocked or was cut off. */
#pragma once

#include "core/record/store.h"

struct host;

/* What the rollback of a change did with each device; the intent ends with that. */
struct undone {
	struct device_origin *left, *add; /* room for as many as there are */
	struct pci_address *drop;
	struct store_outcome outcome;
	bool is_blocked; /* a write of the rollback has not returned */
	bool is_final;	 /* what is stuck is not tried again */
};

enum undo_result {
	UNDO_DONE,
	UNDO_KEPT,    /* somebody uses the device: it stays where the change left it */
	UNDO_STUCK,   /* err says why; a record remembers where it belongs */
	UNDO_BLOCKED, /* a write has not returned */
};

/* Reserves room for n devices. 0 or -ENOMEM. */
int undone_init(struct undone *undone, size_t n);
void undone_clear(struct undone *undone);

/* Brings one device back (transaction_restore) and adds the outcome to undone. err says why when
 * the device was not brought back. */
enum undo_result undone_restore(struct undone *undone, struct host *host,
	const struct device_origin *before, int64_t deadline, struct core_error *err);

/* Adds a device that is left as it is, because a write to it is still under way. */
void undone_leave(struct undone *undone, const struct device_origin *before);
