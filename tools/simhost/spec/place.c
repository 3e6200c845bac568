/* SPDX-License-Identifier: MIT */
/* Where things of a host file are: that each has a place of its own. */
#include "tools/simhost/spec/place.h"
#include "tools/simhost/base/memory.h"

#include "core/base/util.h"

#include <stdlib.h>
#include <string.h>

/*
 * What is known of a path, as bits: that something of a kind is there, that something is below,
 * and that a name right below is one that the folder of something of a kind makes itself. So either
 * line may come first.
 */
enum { IS = 1, BELOW = 1 << CHILD_KINDS, TAKEN_IN = 1 << (CHILD_KINDS + 1) };

static const enum spec_place place_of[] = {[CHILD_NET] = PLACE_NET,
	[CHILD_DISK] = PLACE_DISK,
	[CHILD_NODE] = PLACE_NODE,
	[CHILD_OBJECT] = PLACE_OBJECT};

/* A walk along a path, in the tree of a device, of /sys/devices/virtual or of /dev. */
struct walk {
	struct reader *r;
	const struct spec_child *c;
	const char *path; /* for the error */
	bool dev;
};

static uintptr_t bits_at(const struct walk *w, uint64_t key)
{
	return (uintptr_t)table_get(&w->r->paths, key);
}

static void add_bits(const struct walk *w, uint64_t key, uintptr_t bits)
{
	table_put(&w->r->paths, key,
		(void *)(bits_at(w, key) | bits)); // NOLINT(performance-no-int-to-ptr)
}

static bool is_made(const struct walk *w, const char *name)
{
	return reader_fail(w->r, "the path '%s' of %s: the host makes '%s' there itself", w->path,
		w->c->name, name);
}

/* A name below a folder, whose key is given. */
static bool place_step(const struct walk *w, uint64_t folder, const char *name)
{
	uintptr_t bits = bits_at(w, folder), more = BELOW;

	for (size_t kind = 0; !w->dev && kind < ARRAY_SIZE(place_of); kind++) {
		if (!w->r->names->is_made(place_of[kind], name))
			continue;
		if (bits & (uintptr_t)IS << kind)
			return is_made(w, name);
		more |= (uintptr_t)TAKEN_IN << kind;
	}
	if (w->dev && bits & IS)
		return reader_fail(
			w->r, "the path '%s' of %s leads through a node", w->path, w->c->name);
	add_bits(w, folder, more);
	return true;
}

static bool place_arrive(const struct walk *w, uint64_t key)
{
	const unsigned shift = w->dev ? 0 : w->c->kind;
	const uintptr_t any =
		IS << CHILD_NET | IS << CHILD_DISK | IS << CHILD_NODE | IS << CHILD_OBJECT;
	uintptr_t bits = bits_at(w, key);

	if (bits & any || (w->dev && bits & BELOW))
		return reader_fail(w->r, "the path '%s' of %s is taken", w->path, w->c->name);
	if (!w->dev && bits & (uintptr_t)TAKEN_IN << shift)
		return reader_fail(w->r, "below the path '%s' of %s is a name that the host makes",
			w->path, w->c->name);
	add_bits(w, key, (uintptr_t)IS << shift);
	return true;
}

static enum spec_place top_of(const struct walk *w)
{
	return w->dev ? PLACE_DEV : w->c->function ? PLACE_DEVICE : PLACE_VIRTUAL;
}

/* The key of a place is that of the path to it, from the tree's name on. */
static bool place_walk(const struct walk *w)
{
	CLEANUP(free_cleanup) char *copy = memory_copy(w->path);
	char tree[PCI_ADDRESS_SIZE] = "virtual", *save = NULL;

	if (w->c->function)
		pci_address_format(w->c->function->address, tree);
	CLEANUP(free_cleanup) char *at = memory_copy(w->dev ? "dev" : tree);
	bool top = true;
	for (char *s = strtok_r(copy, "/", &save); s; s = strtok_r(NULL, "/", &save)) {
		if (top && w->r->names->is_made(top_of(w), s))
			return is_made(w, s);
		if (!top && !place_step(w, table_key(at), s))
			return false;
		CLEANUP(free_cleanup) char *folder = at;
		at = memory_print("%s/%s", folder, s);
		top = false;
	}
	return place_arrive(w, table_key(at));
}

uint64_t spec_number_key(const char *number, bool is_disk)
{
	return table_key(number) + is_disk;
}

static bool take_number(struct reader *r, const struct spec_child *c)
{
	bool is_disk = c->kind == CHILD_DISK;
	uint64_t key = spec_number_key(c->number, is_disk);
	unsigned major = (unsigned)strtoul(c->number, NULL, 10);
	unsigned minor = (unsigned)strtoul(strchr(c->number, ':') + 1, NULL, 10);

	if (!is_disk && r->names->is_own_number(major, minor))
		return reader_fail(r, "the number %s is one of the host's own nodes", c->number);
	if (table_get(&r->numbers, key))
		return reader_fail(r, "the number %s is there twice", c->number);
	table_put(&r->numbers, key, (void *)c);
	return true;
}

bool spec_take_places(struct reader *r, const struct spec_child *c)
{
	const struct walk sys = {.r = r, .c = c, .path = c->path};
	const struct walk dev = {.r = r, .c = c, .path = c->dev, .dev = true};

	if ((c->kind == CHILD_NODE || c->kind == CHILD_OBJECT) && c->class &&
		r->names->is_made(PLACE_CLASSES, c->class))
		return reader_fail(r, "the host makes the class '%s' itself", c->class);
	if (c->number && !take_number(r, c))
		return false;
	return (!c->path || place_walk(&sys)) && (!c->dev || place_walk(&dev));
}
