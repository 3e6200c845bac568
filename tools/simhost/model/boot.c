/* SPDX-License-Identifier: MIT */
/* Boots of the host. */
#include "tools/simhost/model/boot.h"
#include "tools/simhost/base/memory.h"
#include "tools/simhost/model/child.h"
#include "tools/simhost/model/device.h"
#include "tools/simhost/model/fault.h"
#include "tools/simhost/model/hold.h"
#include "tools/simhost/model/module.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

/* A version 4 UUID, as the kernel's. */
static void boot_draw(struct model *m)
{
	unsigned char b[16] = {0};

	(void)!getrandom(b, sizeof(b), 0);
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	snprintf(m->boot_id, sizeof(m->boot_id),
		"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		b[15]);
}

void boot_begin(struct model *m)
{
	m->boot_time = time(NULL);
	if (m->spec->boot_id)
		snprintf(m->boot_id, sizeof(m->boot_id), "%s", m->spec->boot_id);
	else
		boot_draw(m);
}

/* Whether the function can sit in another place: nothing is behind it. */
static bool boot_can_move(const struct model *m, const struct function *f)
{
	const struct function *other;

	TAILQ_FOREACH (other, &m->spec->functions, link) {
		if (other->parent == f)
			return false;
	}
	return true;
}

/* The cards change places: what belongs to the place stays with it. */
static void boot_swap(struct function *a, struct function *b)
{
	struct function old_a = *a, old_b = *b;

	*a = old_b;
	*b = old_a;
	a->link = old_a.link;
	b->link = old_b.link;
	a->address = old_a.address;
	b->address = old_b.address;
	a->parent = old_a.parent;
	b->parent = old_b.parent;
	a->numa = old_a.numa;
	b->numa = old_b.numa;
	a->group = old_a.group;
	b->group = old_b.group;
	a->depth = old_a.depth;
	b->depth = old_b.depth;
}

static int boot_find_swapped(
	const struct model *m, const struct pci_address swapped[2], struct function *ret[2])
{
	for (size_t i = 0; i < 2; i++) {
		ret[i] = spec_find(m->spec, swapped[i]);
		if (!ret[i])
			return -ENODEV;
		if (!boot_can_move(m, ret[i]))
			return -EINVAL;
	}
	return ret[0] == ret[1] ? -EINVAL : 0;
}

static void boot_move_children(struct model *m, struct function *a, struct function *b)
{
	for (size_t i = 0; i < m->spec->n_children; i++) {
		struct spec_child *c = m->spec->children[i];

		c->function = c->function == a ? b : c->function == b ? a : c->function;
	}
}

/* Ends all that the last boot has begun. */
static int boot_end(struct model *m)
{
	int error = 0;

	holds_free(m);
	faults_free(m);
	mounts_free(m);
	model_wake(m);
	while (!error && m->n_roots > 0)
		error = device_remove(m, m->roots[m->n_roots - 1]);
	return error;
}

static void boot_again(struct model *m)
{
	struct function *f;

	TAILQ_FOREACH (f, &m->spec->functions, link)
		f->absent = false;
	modules_reset(m);
	children_reset(m);
	m->no_autoprobe = m->tainted = m->booted = false;
	m->boot_time = time(NULL);
	boot_draw(m);
	scan(m);
	m->booted = true;
}

int model_reboot(struct model *m, const struct pci_address swapped[2], char **ret_why)
{
	struct function *cards[2] = {NULL, NULL};

	model_lock(m);
	int error = m->stopping ? -EIO : 0;
	if (!error && swapped)
		error = boot_find_swapped(m, swapped, cards);
	if (!error)
		error = scan_begin(m);
	if (!error) {
		/* Who listens ends with the boot. */
		model_event_fn *on_event = m->on_event;
		m->on_event = NULL;
		error = boot_end(m);
		if (!error && swapped) {
			boot_swap(cards[0], cards[1]);
			boot_move_children(m, cards[0], cards[1]);
		}
		if (!error)
			boot_again(m);
		m->on_event = on_event;
		scan_end(m);
	}
	model_unlock(m);
	if (error)
		return error;
	model_add_process(m, 1, "systemd");
	return model_run_commands(m, "reboot", ret_why) ? 0 : -EINVAL;
}
