/* SPDX-License-Identifier: MIT */
/* Bind and unbind: what a change that was made leaves on record. */
#include "core/change/end.h"

#include "core/base/util.h"
#include "core/change/node_keeper.h"
#include "core/engine.h"
#include "core/record/records.h"
#include "core/record/store.h"

/* The records to be written. */
struct records {
	const struct change *change;
	struct device_origin *items;
	size_t count;
};

static void records_clear(struct records *r)
{
	free(r->items);
}

static int add(struct records *r, const struct device_origin *origin)
{
	struct device_origin *grown = reallocarray(r->items, r->count + 1, sizeof(*grown));

	if (!grown)
		return -1;
	r->items = grown;
	grown[r->count++] = *origin;
	return 0;
}

static int add_with_wish(struct records *r, const struct device_origin *origin)
{
	struct device_origin wished = *origin;

	wished.access = r->change->request->access;
	return add(r, &wished);
}

/* Whether the device is none of the targets, but in the group of one. */
static bool is_sibling(const struct change *c, const struct device *d)
{
	bool sibling = false;

	for (size_t i = 0; i < c->targets.count; i++) {
		if (pci_address_equal(c->targets.items[i], d->address))
			return false;
		sibling |= d->group >= 0 && c->devices[i]->group == d->group;
	}
	return sibling;
}

static int add_sibling(void *arg, const struct device_origin *origin)
{
	struct records *r = arg;
	CLEANUP(device_cleanup)
	struct device *d = devices_get_or_null(r->change->host->devices, origin->address);

	return d && is_sibling(r->change, d) ? add_with_wish(r, origin) : 0;
}

/* The devices that are bound already and ours, and those that share their nodes: a group has one,
 * and two wishes for it would be fought over for ever. */
static int add_wishes(struct records *r)
{
	const struct change *c = r->change;

	for (size_t i = 0; i < c->targets.count; i++) {
		const struct device_facts *f = &c->facts.devices[i];

		if (!change_has_steps(c, i) && f->has_origin && add_with_wish(r, &f->origin))
			return -1;
	}
	return origins_each(c->host->origins, add_sibling, r);
}

/* What is there now becomes ours to give back, with the nodes that were asked for. */
static int end_bind(struct change *c, struct core_error *err)
{
	CLEANUP(records_clear) struct records r = {.change = c};

	for (size_t i = 0; i < c->n_before; i++) {
		if (add(&r, &c->before[i]))
			return core_fail_memory(err);
	}
	if (node_access_any(&c->request->access) && add_wishes(&r))
		return core_fail_memory(err);
	const struct store_outcome outcome = {.add = r.items, .n_add = r.count};
	return r.count > 0 ? store_end(c->host->store, c->intent, &outcome, err) : 0;
}

bool change_is_stale(const struct change *c, size_t i)
{
	const struct device_facts *f = &c->facts.devices[i];

	return f->has_origin && !f->use.is_vfio && f->use.device->driver[0];
}

static int end_unbind(struct change *c, struct core_error *err)
{
	CLEANUP(free_cleanup) struct pci_address *drop = calloc(c->targets.count, sizeof(*drop));
	struct store_outcome outcome = {.drop = drop};

	if (!drop)
		return core_fail_memory(err);
	for (size_t i = 0; i < c->targets.count; i++) {
		if (change_has_steps(c, i) || change_is_stale(c, i))
			drop[outcome.n_drop++] = c->targets.items[i];
	}
	return store_end(c->host->store, c->intent, &outcome, err);
}

/* Once it is written down the change is made, whatever else fails: records that cannot be read anew
 * now are with the next change. */
int change_end(struct change *c, struct core_error *err)
{
	CLEANUP(core_error_clear) struct core_error ignored = CORE_ERROR_INIT;

	if (change_is_bind(c) ? end_bind(c, err) : end_unbind(c, err))
		return -1;
	origins_reload(c->host->origins, &ignored);
	if (change_is_bind(c) && node_access_any(&c->request->access))
		node_keeper_nudge(c->host->keeper);
	return 0;
}
