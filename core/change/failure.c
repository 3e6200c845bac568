/* SPDX-License-Identifier: MIT */
/* Bind and unbind: what is done beside the plan, and how all of it is undone. */
#include "core/change/failure.h"

#include "core/base/util.h"
#include "core/change/node_keeper.h"
#include "core/change/pending.h"
#include "core/change/rollback.h"
#include "core/change/step.h"
#include "core/engine.h"
#include "core/record/records.h"
#include "core/record/store.h"
#include "core/use/vfio_nodes.h"

#include <stdio.h>
#include <string.h>

/* What undoing one device may take beyond the caller's deadline, which has often passed by then. */
static const int64_t UNDO_NS = 10LL * 1000000000;

/* For a write that was given up to return after all, before its device is left to itself. */
static const int64_t SETTLE_NS = 100000000;

/* Remembers owner and mode of a device that stays bound. One whose node has left is for the setting
 * to tell. */
static void remember_nodes(struct change *c, struct pci_address address)
{
	struct node_state *state = &c->nodes[c->n_nodes];

	state->address = address;
	if (vfio_node_get(&c->host->sysfs, address, &state->access) == 0)
		c->n_nodes++;
}

int change_set_nodes(struct change *c, struct core_error *err)
{
	const struct node_access *access = &c->request->access;

	if (!change_is_bind(c) || !node_access_any(access))
		return 0;
	if (!(c->nodes = calloc(c->targets.count, sizeof(*c->nodes))))
		return core_fail_memory(err);
	for (size_t i = 0; i < c->targets.count; i++) {
		if (!change_has_steps(c, i))
			remember_nodes(c, c->targets.items[i]);
		if (node_keeper_set(
			    c->host, c->targets.items[i], access, c->request->deadline, err))
			return -1;
	}
	return 0;
}

static bool was_touched(const struct plan *plan, size_t done, struct pci_address address)
{
	for (size_t i = 0; i < done; i++) {
		if (pci_address_equal(plan->steps[i].address, address))
			return true;
	}
	return false;
}

/* What undoing a change of ours came to. */
struct ending {
	struct undone undone;
	size_t n_stuck;
	bool nodes_differ; /* of a device that stays bound */
};

static void ending_clear(struct ending *e)
{
	undone_clear(&e->undone);
}

/* Brings one device back, or says why not. -1 when the privileged helper is gone, and with it all
 * undoing. */
static int undo_device(struct change *c, const struct device_origin *before, struct ending *e,
	struct core_error *err)
{
	CLEANUP(core_error_clear) struct core_error failed = CORE_ERROR_INIT;

	if (!transaction_settled(c->host, before->address, now_ns() + SETTLE_NS)) {
		undone_leave(&e->undone, before);
		return 0;
	}
	switch (undone_restore(&e->undone, c->host, before, now_ns() + UNDO_NS, &failed)) {
	case UNDO_DONE:
		return 0;
	case UNDO_BLOCKED:
		for (size_t i = 0; i < failed.problems.count; i++)
			core_problem_copy(&err->problems, &failed.problems.items[i]);
		return 0;
	case UNDO_KEPT:
		break;
	case UNDO_STUCK:
		if (failed.code == CORE_UNAVAILABLE)
			return -1;
		break;
	}
	e->n_stuck++;
	core_problem_add_device(&err->problems, before->address, REASON_UNDO_FAILED,
		"bring the device back by hand, or bind it again and then unbind it", "undo: %s",
		failed.message);
	return 0;
}

/* Gives the nodes of devices that stay bound back to whom they had. */
static void undo_nodes(struct change *c, struct ending *e, struct core_error *err)
{
	for (size_t i = c->n_nodes; i-- > 0;) {
		CLEANUP(core_error_clear) struct core_error failed = CORE_ERROR_INIT;
		const struct node_state *before = &c->nodes[i];

		if (node_keeper_set(c->host, before->address, &before->access, now_ns() + UNDO_NS,
			    &failed) == 0)
			continue;
		e->nodes_differ = true;
		core_problem_add_device(&err->problems, before->address, REASON_UNDO_FAILED,
			"give its VFIO nodes their owner and mode by hand", "undo: %s",
			failed.message);
	}
}

/* Says at the end of the error's sentence what became of the rest. */
static void conclude(const struct change *c, const struct ending *e, struct core_error *err)
{
	char message[sizeof(err->message)];
	const char *end = "nothing was changed";

	if (e->n_stuck > 0 || e->nodes_differ)
		end = "not everything could be undone, see details";
	else if (e->undone.is_blocked)
		end = c->n_before == 1
			      ? "the device is UNBIND_PENDING, and vfiod finishes the change then"
			      : "the other devices are as they were; this one is UNBIND_PENDING, and vfiod brings it back then";
	else if (err->code == CORE_DEADLINE) {
		/* The write did return after all: nothing is pending, and nobody in the way. */
		core_problems_clear(&err->problems);
		core_fail(err, CORE_DEADLINE, "the change did not end in the request's time");
	}
	memcpy(message, err->message, sizeof(message));
	snprintf(err->message, sizeof(err->message), "%.360s (%s)", message, end);
}

/* Ends the intent of what was undone. One with a write under way goes on with its device, and is
 * waited for. */
static void end_undone(struct change *c, const struct ending *e)
{
	CLEANUP(core_error_clear) struct core_error ignored = CORE_ERROR_INIT;
	struct store_outcome outcome = e->undone.outcome;
	char what[24];

	if (e->undone.is_blocked) {
		pending_name(what, change_what(c), c->n_before);
		outcome.left_what = what;
	}
	if (store_end(c->host->store, c->intent, &outcome, &ignored))
		return; /* the next start finds it */
	origins_reload(c->host->origins, &ignored);
	if (e->undone.is_blocked)
		pending_add(c->host->pending, c->intent, what, outcome.left, outcome.n_left);
}

void change_undo(struct change *c, size_t n_begun, struct core_error *err)
{
	CLEANUP(ending_clear) struct ending e = {0};

	/* Without the privileged helper, or memory, there is no undoing: the next start does it. */
	if (undone_init(&e.undone, c->n_before) || err->code == CORE_UNAVAILABLE)
		return;
	/* The caller is told, and may have done something about it when the next start comes. */
	e.undone.is_final = true;
	for (size_t i = c->n_before; i-- > 0;) {
		if (was_touched(&c->plan, n_begun, c->before[i].address) &&
			undo_device(c, &c->before[i], &e, err))
			return;
	}
	undo_nodes(c, &e, err);
	if (c->n_before > 0)
		end_undone(c, &e);
	conclude(c, &e, err);
}
