/* SPDX-License-Identifier: MIT */
/* Which processes use VFIO devices, as `hold` lines. */
#include "tools/vfioctl/capture/hold.h"
#include "tools/vfioctl/capture/child.h"
#include "tools/vfioctl/capture/text.h"

#include "core/base/util.h"
#include "core/use/holders.h"

#include <string.h>

enum { SCAN_MS = 5000 }; /* a process that is stuck does not let others look at its memory */

struct scan {
	const struct sysfs *sysfs;
	int error;
	struct capture_holders found;
};

static void hold_take(struct capture_holders *all, const struct holders *some)
{
	all->is_truncated |= some->is_truncated;
	for (size_t i = 0; i < some->count; i++) {
		if (all->count == ARRAY_SIZE(all->items))
			all->is_truncated = true;
		else
			all->items[all->count++] = some->items[i];
	}
}

static void hold_scan(void *arg, int beat)
{
	struct scan *s = arg;

	CLEANUP(holders_clear) struct holders files = {0};
	CLEANUP(holders_clear) struct holders mappings = {0};

	(void)beat;
	s->error = holders_of_vfio(s->sysfs, &files);
	if (!s->error)
		s->error = holders_of_mappings(s->sysfs, &mappings);
	hold_take(&s->found, &files);
	hold_take(&s->found, &mappings);
}

int capture_read_holders(struct capture *c)
{
	struct scan *s = capture_share(sizeof(*s));

	if (!s)
		return -1;
	s->sysfs = &c->sysfs;
	c->holders_unknown = !capture_in_child(hold_scan, s, SCAN_MS) || s->error;
	c->holders = s->found;
	capture_unshare(s, sizeof(*s));
	return 0;
}

/* Programs that everybody knows keep their name. */
static const char *command_of(const struct holder *h)
{
	static const char *const known[] = {"qemu-system-", "qemu-kvm", "kvm", "cloud-hyperviso",
		"firecracker", "crosvm", "dpdk-testpmd", "spdk_tgt", "reactor_"};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (strncmp(h->command, known[i], strlen(known[i])) == 0 &&
			capture_is_name(h->command))
			return h->command;
	}
	return "process";
}

/* What one process has of one device. */
static bool hold_has(const struct capture *c, int32_t pid, enum hold hold, int32_t id)
{
	for (size_t i = 0; i < c->holders.count; i++) {
		const struct holder *h = &c->holders.items[i];
		if (h->pid == pid && h->hold == hold && (id < 0 || h->id == id))
			return true;
	}
	return false;
}

/* Whether the kernel names the devices of the process's files, and this one is among them; where it
 * does not, an enabled device of a group that the process has open is its. */
static bool has_file(const struct capture *c, int32_t pid, const struct capture_device *d)
{
	bool named = false;

	for (size_t i = 0; i < c->holders.count; i++) {
		const struct holder *h = &c->holders.items[i];

		if (h->pid != pid || h->hold != HOLD_FILE || !h->has_address)
			continue;
		named = true;
		if (pci_address_equal(h->address, d->address))
			return true;
	}
	return !named && d->enabled > 0 && hold_has(c, pid, HOLD_FILE, -1);
}

static int32_t vfio_number(const struct capture_device *d)
{
	int number = -1;

	return sscanf(d->vfio_name, "vfio%d", &number) == 1 ? number : -1;
}

/* The kind of hold that the process has on the device; NULL: none. */
static const char *kind_of(const struct capture *c, int32_t pid, const struct capture_device *d)
{
	int32_t number = vfio_number(d);

	if (number >= 0 && hold_has(c, pid, HOLD_DEVICE, number))
		return d->enabled > 0 ? "iommufd" : "cdev";
	if (d->device->group >= 0 && hold_has(c, pid, HOLD_GROUP, d->device->group))
		return has_file(c, pid, d) ? "device" : "group";
	/* Nothing but a mapping: of which device, the kernel does not tell. */
	if (d->enabled > 0 && hold_has(c, pid, HOLD_MAPPING, -1) &&
		!hold_has(c, pid, HOLD_GROUP, -1) && !hold_has(c, pid, HOLD_DEVICE, -1) &&
		!hold_has(c, pid, HOLD_FILE, -1))
		return "mapping";
	return NULL;
}

/* The simulated host refuses a user of a group with another's driver in it, as the kernel does
 * where it does not know better of that driver. */
static const struct capture_device *hold_blocker(const struct capture *c, int32_t group)
{
	for (size_t i = 0; i < c->n_devices; i++) {
		const struct capture_device *d = &c->devices[i];
		if (d->device && d->device->group == group && d->driver && !d->is_vfio &&
			!d->driver->managed_dma)
			return d;
	}
	return NULL;
}

struct claim {
	int32_t pid;
	const char *kind;
};

/* Who has the device; of several, which only a race shows, the first: but a group's file gives way
 * to the device's own. */
static struct claim claim_of(const struct capture *c, const struct capture_device *d)
{
	struct claim claim = {0};

	for (size_t i = 0; i < c->holders.count; i++) {
		int32_t pid = c->holders.items[i].pid;
		const char *kind = kind_of(c, pid, d);

		if (kind && (!claim.kind || (strcmp(claim.kind, "group") == 0 &&
						    strcmp(kind, "group") != 0)))
			claim = (struct claim){.pid = pid, .kind = kind};
	}
	return claim;
}

static const struct holder *holder_with(const struct capture *c, int32_t pid)
{
	for (size_t i = 0; i < c->holders.count; i++) {
		if (c->holders.items[i].pid == pid)
			return &c->holders.items[i];
	}
	return NULL;
}

static void print_hold(struct capture *c, const struct capture_device *d)
{
	struct claim claim = claim_of(c, d);

	if (!claim.kind)
		return;
	const struct capture_device *other = hold_blocker(c, d->device->group);
	const char *command = command_of(holder_with(c, claim.pid));
	bool only_open = strcmp(claim.kind, "group") == 0 || strcmp(claim.kind, "cdev") == 0;
	if (c->unsafe_interrupts && !only_open)
		capture_note(c, "%s is held by %s, though interrupts are not remapped",
			d->device->text, command);
	else if (other && !only_open)
		capture_note(c, "%s is held by %s, though %s of its group is on %s",
			d->device->text, command, other->device->text, other->driver->name);
	else
		fprintf(c->out, "hold %s %s %d %s\n", d->device->text, claim.kind, (int)claim.pid,
			command);
}

void capture_print_holders(struct capture *c)
{
	if (c->holders_unknown)
		capture_note(c, "who uses VFIO devices could not be read");
	if (c->holders.is_truncated)
		capture_note(c, "more processes use VFIO devices than are told here");
	for (size_t i = 0; i < c->n_devices; i++) {
		const struct capture_device *d = &c->devices[i];
		if (d->device && d->is_vfio)
			print_hold(c, d);
	}
}
