/* SPDX-License-Identifier: MIT */
/* Waiting for readers. */
#include "core/base/epoch.h"

#include <sched.h>

static void epoch_turn(struct epoch *e)
{
	unsigned side = atomic_fetch_xor(&e->index, 1) & 1;

	while (atomic_load(&e->readers[side]) != 0)
		sched_yield();
}

void epoch_synchronize(struct epoch *e)
{
	epoch_turn(e);
	epoch_turn(e);
}
