/* SPDX-License-Identifier: MIT */
/* What an undoing comes to, live or after a crash: one rule for both. */
#include "core/change/rollback.h"

#include "core/base/util.h"
#include "core/change/step.h"
#include "core/engine.h"
#include "core/record/records.h"

#include <errno.h>
#include <string.h>

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

/* An unbind that is kept has its last step before it, which disturbs nobody: the override. */
static void give_override_back(
	struct host *host, const struct device_origin *before, int64_t deadline)
{
	CLEANUP(core_error_clear) struct core_error ignored = CORE_ERROR_INIT;
	CLEANUP(device_cleanup)
	struct device *d = devices_get_or_null(host->devices, before->address);
	CLEANUP(plan_clear) struct plan plan = {0};
	struct device_origin origin;
	size_t done;

	if (!d || !origins_find(host->origins, d, &origin))
		return;
	memcpy(origin.driver, d->driver, sizeof(origin.driver));
	if (plan_to_origin(&plan, d->driver, &origin) == 0)
		transaction_run(host, &plan, deadline, NULL, &done, &ignored);
}

/* The change is as good as made: it stays on VFIO as ours, or with the host without a record. */
static void keep(
	struct undone *u, struct host *host, const struct device_origin *before, int64_t deadline)
{
	remember(u, before);
	if (!driver_is_vfio(before->driver))
		return;
	give_override_back(host, before, deadline);
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
		keep(u, host, before, deadline);
		return UNDO_KEPT;
	}
	remember(u, before);
	if (!u->is_final)
		u->left[u->outcome.n_left++] = *before;
	return UNDO_STUCK;
}
