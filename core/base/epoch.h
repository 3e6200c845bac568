/* SPDX-License-Identifier: MIT */
/*
 * Lets readers use a shared structure while a writer replaces parts of it.
 *
 * A reader marks the time it looks; it takes no lock and never waits. A writer unlinks an object
 * first, then waits until every reader that might still see it has left, then frees it. Two
 * counters take turns, and the writer turns them twice: a reader that read the index just before a
 * turn counts itself in the old one only after it.
 */
#pragma once

#include <stdatomic.h>

struct epoch {
	atomic_uint index;
	atomic_uint readers[2];
};

/* Begins looking; returns what epoch_leave takes. Short sections only: no blocking call inside. */
static inline unsigned epoch_enter(struct epoch *e)
{
	unsigned side = atomic_load(&e->index) & 1;

	atomic_fetch_add(&e->readers[side], 1);
	return side;
}

static inline void epoch_leave(struct epoch *e, unsigned side)
{
	atomic_fetch_sub(&e->readers[side], 1);
}

/* Waits until every reader that was looking has left. One writer at a time (the caller's mutex).
 * Never called by a reader inside its section. */
void epoch_synchronize(struct epoch *e);
