/* SPDX-License-Identifier: MIT */
/* What an undoing comes to, live or after a crash: one rule for both. */
#include "core/host_internal.h"
#include "core/util.h"

#include <errno.h>

int undone_init(struct undone *u, size_t n)
{
	*u = (struct undone){
		.left = calloc(n + 1, sizeof(*u->left)),
		.add = calloc(n + 1, sizeof(*u->add)),
		.drop = calloc(n + 1, sizeof(*u->drop)),
	};
	u->outcome = (struct store_outcome){
		.left = u->left, .left_what = "undo", .add = u->add, .drop = u->drop};
	return u->left && u->add && u->drop ? 0 : -ENOMEM;
}

void undone_clear(struct undone *u)
{
	free(u->left);
	free(u->add);
	free(u->drop);
}

void undone_leave(struct undone *u, const struct device_origin *before)
{
	u->left[u->outcome.n_left++] = *before;
	u->is_blocked = true;
}

/* A device that a bind took from its driver is never forgotten, whatever becomes of it. */
static void remember(struct undone *u, const struct device_origin *before)
{
	if (!driver_is_vfio(before->driver))
		u->add[u->outcome.n_add++] = *before;
}

/* The change is as good as made: it stays on VFIO as ours, or with the host without a record. */
static void keep(struct undone *u, const struct device_origin *before)
{
	remember(u, before);
	if (driver_is_vfio(before->driver))
		u->drop[u->outcome.n_drop++] = before->address;
}

enum undo_result undone_restore(struct undone *u, struct host *host,
	const struct device_origin *before, int64_t deadline, struct core_error *err)
{
	if (transaction_restore(host, before, deadline, err) == 0)
		return UNDO_DONE;
	if (err->code == CORE_DEADLINE) {
		undone_leave(u, before);
		return UNDO_BLOCKED;
	}
	if (err->problems.count > 0 && plan_is_use(err->problems.items[0].reason)) {
		keep(u, before);
		return UNDO_KEPT;
	}
	remember(u, before);
	if (!u->is_final)
		u->left[u->outcome.n_left++] = *before;
	return UNDO_STUCK;
}
