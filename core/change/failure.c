/* SPDX-License-Identifier: MIT */
/* Bind and unbind: a change that failed. */
#include "core/change/failure.h"

#include "core/base/clock.h"
#include "core/base/util.h"
#include "core/change/node_keeper.h"
#include "core/change/pending.h"
#include "core/change/rollback.h"
#include "core/change/step.h"
#include "core/engine.h"
#include "core/use/vfio_nodes.h"

#include <stdio.h>
#include <string.h>

/* What rolling one device back may take beyond the caller's deadline, which has often passed by
 * then. */
static const int64_t DEVICE_NS = 10 * NS_PER_S;

/* For a write that was given up to return after all, before its device is left to itself. */
static const int64_t SETTLE_NS = 100 * NS_PER_MS;

/* Remembers owner and mode of a device that stays bound. One whose node has left is for the setting
 * to tell. */
static void change_remember_nodes(struct change *c, struct pci_address address, uint64_t link)
{
	struct node_state *state = &c->nodes[c->n_nodes];

	state->address = address;
	if (vfio_node_get(&c->host->sysfs, address, &state->access) == 0)
		c->n_nodes++;
	state->access.link = link;
}

int change_set_nodes(struct change *c, struct core_error *err)
{
	struct node_access access = c->request->access;

	if (!change_is_bind(c) || !node_access_any(&access))
		return 0;
	if (!(c->nodes = calloc(c->targets.count, sizeof(*c->nodes))))
		return core_fail_memory(err);
	for (size_t i = 0; i < c->targets.count; i++) {
		access.link = step_binding(c->host, c->targets.items[i]).link;
		if (!change_has_steps(c, i))
			change_remember_nodes(c, c->targets.items[i], access.link);
		if (node_keeper_set(
			    c->host, c->targets.items[i], &access, c->request->deadline, err))
			return -1;
	}
	return 0;
}

/* What became of a change that failed. */
struct failure {
	struct core_error *err;
	size_t n_stuck;
	bool nodes_differ; /* of a device that stays bound */
};

/* Adds what became of a device to the error. */
static void failure_note(void *arg, const struct device_origin *before, enum rollback_result result,
	const struct core_error *why)
{
	struct failure *f = arg;

	if (result == ROLLBACK_BLOCKED) {
		for (size_t i = 0; i < why->problems.count; i++)
			core_problem_copy(&f->err->problems, &why->problems.items[i]);
	} else if (result != ROLLBACK_DONE) {
		f->n_stuck++;
		core_problem_add_device(&f->err->problems, before->address, REASON_UNDO_FAILED,
			"bring the device back by hand, or bind it again and then unbind it",
			"undo: %s", why->message);
	}
}

/* Gives the nodes of devices that stay bound back to whom they had. */
static void failure_restore_nodes(struct failure *f, struct change *c)
{
	for (size_t i = c->n_nodes; i-- > 0;) {
		CLEANUP(core_error_clear) struct core_error failed = CORE_ERROR_INIT;
		const struct node_state *before = &c->nodes[i];

		if (node_keeper_set(c->host, before->address, &before->access, now_ns() + DEVICE_NS,
			    &failed) == 0)
			continue;
		f->nodes_differ = true;
		core_problem_add_device(&f->err->problems, before->address, REASON_UNDO_FAILED,
			"give its VFIO nodes their owner and mode by hand", "undo: %s",
			failed.message);
	}
}

/* What happened to the change: its last write has not returned, or it failed. The steps have
 * touched the first *ret_touched of its devices. */
static enum change_event failure_event(
	const struct change *c, size_t n_begun, int64_t settle_until, size_t *ret_touched)
{
	const struct device_origin *before = c->intent->before;
	size_t n = n_begun > 0 ? c->intent->n_devices : 0;

	while (n > 0 &&
		!pci_address_equal(before[n - 1].address, c->plan.steps[n_begun - 1].address))
		n--;
	*ret_touched = n;
	return n == 0 || step_settled(c->host, before[n - 1].address, settle_until)
		       ? CHANGE_FAILED
		       : CHANGE_BLOCKED;
}

/* Rolls the touched devices back, or leaves the change to be finished. Returns what becomes of a
 * device that is watched then; NULL for none. */
static const char *failure_roll_back(struct failure *f, struct change *c, size_t n_begun)
{
	CLEANUP(core_error_clear) struct core_error ignored = CORE_ERROR_INIT;
	const struct rollback rollback = {.host = c->host,
		.settle_until = now_ns() + SETTLE_NS,
		.device_ns = DEVICE_NS,
		.is_final = true, /* the caller is told, and may have done something about it */
		.tell = failure_note,
		.arg = f};
	const char *pending = "the device is UNBIND_PENDING, and vfiod brings it back then";
	size_t n_touched;
	enum change_event event = failure_event(c, n_begun, rollback.settle_until, &n_touched);

	lifecycle_turn(c->intent, event);
	if (c->intent->n_devices > 1)
		pending =
			"the other devices are as they were; this one is UNBIND_PENDING, and vfiod brings it back then";
	c->intent->n_devices = n_touched;
	if (c->intent->phase == CHANGE_FINISHING) {
		pending = "the device is UNBIND_PENDING, and vfiod finishes the change then";
		lifecycle_write(c->host, c->intent, &(struct store_outcome){0}, &ignored);
	} else {
		rollback_run(&rollback, c->intent, &event, &ignored);
	}
	if (event != CHANGE_BLOCKED)
		return NULL;
	/* Short of memory, the next start takes it on. */
	pending_add(c->host->pending, STEAL(c->intent));
	return pending;
}

/* Says at the end of the error's sentence what became of the rest. */
static void failure_conclude(const struct failure *f, const char *pending)
{
	struct core_error *err = f->err;
	char message[sizeof(err->message)];
	const char *end = "nothing was changed";

	if (f->n_stuck > 0 || f->nodes_differ)
		end = "not everything could be undone, see details";
	else if (pending)
		end = pending;
	else if (err->code == CORE_DEADLINE) {
		/* The write did return after all: nothing is pending, and nobody in the way. */
		core_problems_clear(&err->problems);
		core_fail(err, CORE_DEADLINE, "the change did not end in the request's time");
	}
	memcpy(message, err->message, sizeof(message));
	snprintf(err->message, sizeof(err->message), "%.360s (%s)", message, end);
}

void change_fail(struct change *c, size_t n_begun, struct core_error *err)
{
	struct failure f = {.err = err};

	/* Without the privileged helper there is no rollback: the next start does it. */
	if (err->code == CORE_UNAVAILABLE)
		return;
	const char *pending = failure_roll_back(&f, c, n_begun);
	failure_restore_nodes(&f, c);
	failure_conclude(&f, pending);
}
