/* SPDX-License-Identifier: MIT */
/* Bind and unbind: what a change that was made leaves on record. */
#include "core/change/end.h"

#include "core/base/util.h"
#include "core/change/lifecycle.h"
#include "core/engine.h"
#include "core/record/records.h"

/* The records that a change is to leave. */
struct ending {
	const struct change *change;
	struct store_outcome outcome;
};

static void ending_clear(struct ending *e)
{
	store_outcome_clear(&e->outcome);
}

/* The record, with the wish of this change. */
static int ending_add(struct ending *e, const struct device_origin *origin)
{
	struct device_origin wished = *origin;

	wished.access = e->change->request->access;
	return store_outcome_add(&e->outcome, &wished, false);
}

/* Whether the device is none of the targets, but in the group of one. */
static bool change_is_sibling(const struct change *c, const struct device *d)
{
	bool sibling = false;

	for (size_t i = 0; i < c->targets.count; i++) {
		if (pci_address_equal(c->targets.items[i], d->address))
			return false;
		sibling |= d->group >= 0 && c->devices[i]->group == d->group;
	}
	return sibling;
}

static int ending_add_sibling(void *arg, const struct device_origin *origin)
{
	struct ending *e = arg;
	CLEANUP(device_cleanup)
	struct device *d = devices_get(e->change->host->devices, origin->address);

	return d && change_is_sibling(e->change, d) ? ending_add(e, origin) : 0;
}

/* What is there now becomes ours to give back, with the nodes that were asked for. So do those of
 * the devices that are bound already and ours, and of those that share their nodes: a group has
 * one, and two wishes for it would undo each other again and again. */
static int ending_add_bound(struct ending *e)
{
	const struct change *c = e->change;

	for (size_t i = 0; i < c->intent->n_devices; i++) {
		if (ending_add(e, &c->intent->before[i]))
			return -1;
	}
	if (!node_access_any(&c->request->access))
		return 0;
	for (size_t i = 0; i < c->targets.count; i++) {
		const struct device_facts *f = &c->facts.devices[i];

		if (!change_has_steps(c, i) && f->has_origin && ending_add(e, &f->origin))
			return -1;
	}
	return origins_each(c->host->origins, ending_add_sibling, e);
}

bool change_is_stale(const struct change *c, size_t i)
{
	const struct device_facts *f = &c->facts.devices[i];

	return f->has_origin && !f->use.is_vfio && f->use.device->driver[0];
}

static int ending_drop_unbound(struct ending *e)
{
	const struct change *c = e->change;

	for (size_t i = 0; i < c->targets.count; i++) {
		const struct device_origin record = {.address = c->targets.items[i]};

		if ((change_has_steps(c, i) || change_is_stale(c, i)) &&
			store_outcome_add(&e->outcome, &record, true))
			return -1;
	}
	return 0;
}

int change_end(struct change *c, struct core_error *err)
{
	CLEANUP(ending_clear) struct ending e = {.change = c};

	if (change_is_bind(c) ? ending_add_bound(&e) : ending_drop_unbound(&e))
		return core_fail_memory(err);
	lifecycle_turn(c->intent, CHANGE_DONE);
	return lifecycle_write(c->host, c->intent, &e.outcome, err);
}
