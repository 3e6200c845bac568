/* SPDX-License-Identifier: MIT */
/* Brings devices back, after a change that failed, was blocked or was cut off. */
#pragma once

#include "core/record/store.h"

struct host;

/* What became of the devices of a change that was to be undone, for its intent's end. */
struct undone {
	struct device_origin *left, *add; /* room for as many as there are */
	struct pci_address *drop;
	struct store_outcome outcome;
	bool is_blocked; /* a write of the undoing has not returned */
	bool is_final;	 /* what is stuck is not tried again */
};

enum undo_result {
	UNDO_DONE,
	UNDO_KEPT,    /* somebody uses the device: it stays where the change left it */
	UNDO_STUCK,   /* err says why; a record remembers where it belongs */
	UNDO_BLOCKED, /* a write has not returned */
};

/* Makes room for n devices. 0 or -ENOMEM. */
int undone_init(struct undone *undone, size_t n);
void undone_clear(struct undone *undone);

/* Brings one device back (transaction_restore), and adds to undone what that came to; err tells why
 * when it was not brought back. */
enum undo_result undone_restore(struct undone *undone, struct host *host,
	const struct device_origin *before, int64_t deadline, struct core_error *err);

/* The same for one of which a write is still under way: it is left. */
void undone_leave(struct undone *undone, const struct device_origin *before);
