/* SPDX-License-Identifier: MIT */
/* Configuration space, as much of it as tells what a device is. */
#include "tools/simhost/view/config.h"

enum { SIZE_CONVENTIONAL = 256, SIZE_EXPRESS = 4096, EXPRESS_AT = 0x40 };

static void config_put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

static void config_put32(uint8_t *at, uint64_t value)
{
	config_put16(at, (unsigned)value & 0xffff);
	config_put16(at + 2, (unsigned)(value >> 16) & 0xffff);
}

/* The port type of the PCI Express capability: an endpoint, or a bridge by its depth, as root
 * ports, then upstream and downstream ports of switches, take turns. */
static unsigned express_type(const struct function *f)
{
	enum { ENDPOINT = 0, ROOT_PORT = 4, UPSTREAM = 5, DOWNSTREAM = 6 };
	unsigned depth = 0;

	if (!function_is_bridge(f))
		return ENDPOINT;
	for (const struct function *up = f->parent; up; up = up->parent)
		depth++;
	return depth == 0 ? ROOT_PORT : depth % 2 ? UPSTREAM : DOWNSTREAM;
}

/* The lower bits of a BAR repeat the type of its region. */
static void put_bars(uint8_t *space, const struct function *f)
{
	enum { IO = 0x100, PREFETCH = 0x2000, WIDE = 0x100000 };
	size_t count = function_is_bridge(f) ? 2 : 6;

	for (size_t i = 0; i < count; i++) {
		const struct bar *b = &f->bars[i];
		unsigned bits = b->flags & IO ? 1 : b->flags == 0 ? 0 : b->flags & PREFETCH ? 8 : 0;

		bits |= b->flags & WIDE ? 4 : 0;
		if (!b->flags)
			continue;
		config_put32(space + 0x10 + i * 4, b->start | bits);
		if (b->flags & WIDE && i + 1 < count)
			config_put32(space + 0x14 + i * 4, b->start >> 32);
	}
}

static void put_bridge(uint8_t *space, const struct function *f)
{
	space[0x18] = f->address.bus;
	space[0x19] = f->secondary;
	space[0x1a] = f->subordinate;
}

/* Whether function 1 to 7 share the slot, which function 0 tells in its header type. */
static bool is_multifunction(const struct device *d)
{
	const struct device *parent = d->parent;
	struct pci_address a = d->function->address;

	for (size_t i = 0; parent && i < parent->n_children; i++) {
		struct pci_address b = parent->children[i]->function->address;
		if (a.slot == b.slot && b.function > 0)
			return true;
	}
	return a.function > 0;
}

void config_print(const struct device *d, FILE *out)
{
	const struct function *f = d->function;
	uint8_t space[SIZE_EXPRESS] = {0};

	/* A virtual function has no ids of its own there: the kernel takes its physical one's. */
	config_put16(space, d->physfn ? 0xffff : f->vendor);
	config_put16(space + 2, d->physfn ? 0xffff : f->device);
	config_put16(space + 4, d->driver ? 0x0407 : 0x0400);
	config_put16(space + 6, f->conventional ? 0 : 0x0010);
	space[8] = f->revision;
	space[9] = f->class & 0xff;
	space[10] = f->class >> 8 & 0xff;
	space[11] = f->class >> 16 & 0xff;
	space[14] = (uint8_t)(f->header | (is_multifunction(d) ? 0x80 : 0));
	put_bars(space, f);
	if (function_is_bridge(f)) {
		put_bridge(space, f);
	} else {
		config_put16(space + 0x2c, f->subsystem_vendor);
		config_put16(space + 0x2e, f->subsystem_device);
	}
	space[0x3c] = (uint8_t)f->irq;
	space[0x3d] = f->irq ? 1 : 0;
	if (!f->conventional) {
		space[0x34] = EXPRESS_AT;
		space[EXPRESS_AT] = 0x10;
		config_put16(space + EXPRESS_AT + 2, 2 | express_type(f) << 4);
	}
	fwrite(space, 1, f->conventional ? SIZE_CONVENTIONAL : SIZE_EXPRESS, out);
}
