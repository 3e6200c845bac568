/* SPDX-License-Identifier: MIT */
/* The PCI functions of a capture, as they are read. */
#include "tools/vfioctl/capture/device.h"
#include "tools/vfioctl/capture/child.h"
#include "tools/vfioctl/capture/driver.h"
#include "tools/vfioctl/capture/text.h"

#include "core/base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
	OVERRIDE_MS = 1000, /* a read that takes longer waits for an unbind */
	OVERRIDE_TRIES = 8, /* that many devices may make us wait */
};

ssize_t capture_attribute(const struct capture *c, const struct capture_device *d, const char *name,
	char *buf, size_t size)
{
	ssize_t n = device_read(c->cache, d->device, name, buf, size);

	if (n < 0)
		buf[0] = '\0';
	return n;
}

unsigned capture_number(const struct capture *c, const struct capture_device *d, const char *name,
	unsigned otherwise)
{
	char text[32], *end;

	if (capture_attribute(c, d, name, text, sizeof(text)) <= 0)
		return otherwise;
	errno = 0;
	unsigned long value = strtoul(text, &end, 0);
	return errno || *end || text[0] == '-' || value > UINT_MAX ? otherwise : (unsigned)value;
}

bool capture_is_bridge(const struct capture_device *d)
{
	return d->device->is_bridge && !device_host_part(d->device);
}

static int compare_key(const void *key, const void *item)
{
	return pci_address_compare(key, &((const struct capture_device *)item)->address);
}

struct capture_device *capture_device_at(const struct capture *c, struct pci_address address)
{
	if (c->n_devices == 0)
		return NULL;
	return bsearch(&address, c->devices, c->n_devices, sizeof(*c->devices), compare_key);
}

struct capture_device *capture_device_above(
	const struct capture *c, const char *path, const char **ret_below)
{
	struct capture_device *found = NULL;
	struct pci_address address;
	char part[PCI_ADDRESS_SIZE];

	for (const char *s = path; *s;) {
		size_t n = strcspn(s, "/");

		snprintf(part, sizeof(part), "%.*s", (int)(n < sizeof(part) ? n : 0), s);
		s += n + (s[n] == '/');
		if (!pci_address_parse(part, &address))
			continue;
		found = capture_device_at(c, address);
		*ret_below = s;
	}
	return found;
}

bool capture_has_children(const struct capture_device *d)
{
	return d && d->device && d->driver && !d->is_vfio && !d->driver->managed_dma;
}

/* The bridge is the folder that the device's own is in. What hangs on a host bridge of another
 * device's making (an Intel VMD's) has that between: pci10000:00. */
static void find_parent(struct capture *c, struct capture_device *d)
{
	char target[PATH_MAX];
	const char *below = "";
	ssize_t n = readlinkat(c->sysfs.devices_fd, d->device->text, target, sizeof(target) - 1);

	if (n < 0)
		return;
	target[n] = '\0';
	char *own = strrchr(target, '/');
	if (!own)
		return;
	*own = '\0';
	struct capture_device *up = capture_device_above(c, target, &below);
	if (!up || !up->device)
		return;
	/* A bridge's number is below those behind it, and so its line comes first. */
	if (!*below && capture_is_bridge(up) && up < d)
		d->parent = up;
	else
		d->no_bridge = up;
}

/* A group that VFIO made for a device without an IOMMU, which goes when its driver does. */
static bool is_noiommu(const struct capture *c, int32_t group)
{
	char path[64], name[32] = "";

	if (group < 0)
		return false;
	snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%d/name", group);
	return sysfs_read(c->sysfs.root_fd, path, name, sizeof(name)) > 0 &&
	       strcmp(name, "vfio-noiommu") == 0;
}

static void count_for_driver(struct capture_driver *drv, const struct capture_device *d)
{
	if (!drv)
		return;
	drv->vfio |= d->is_vfio;
	drv->sriov |= d->device->total_vfs > 0;
	/* Bridges are enabled on behalf of what is behind them. */
	if (!capture_is_bridge(d))
		(*(d->enabled ? &drv->enabled : &drv->disabled))++;
}

static void read_device(struct capture *c, struct capture_device *d)
{
	if (devices_get(c->cache, d->address, &d->device))
		return;
	d->driver = d->device->driver[0] ? capture_driver_named(c, d->device->driver) : NULL;
	d->is_vfio = d->driver && device_is_vfio(c->cache, d->device);
	d->enabled = capture_number(c, d, "enable", 0);
	d->n_vfs = device_num_vfs(c->cache, d->device);
	if (d->is_vfio) {
		d->is_noiommu = is_noiommu(c, d->device->group);
		device_vfio_name(c->cache, d->device, d->vfio_name, sizeof(d->vfio_name));
	}
	count_for_driver(d->driver, d);
}

int capture_read_devices(struct capture *c)
{
	CLEANUP(free_cleanup) struct pci_address *addresses = NULL;
	size_t n;
	int r = devices_list(c->cache, &addresses, &n);

	if (r < 0)
		return r;
	c->devices = calloc(n ? n : 1, sizeof(*c->devices));
	if (!c->devices)
		return -ENOMEM;
	c->n_devices = n;
	for (size_t i = 0; i < n; i++)
		c->devices[i].address = addresses[i];
	for (size_t i = 0; i < n; i++)
		read_device(c, &c->devices[i]);
	for (size_t i = 0; i < n; i++) {
		if (c->devices[i].device)
			find_parent(c, &c->devices[i]);
	}
	return 0;
}

/* --- driver_override, which takes the device's lock ----------------------------------------------
 */

struct override_slot {
	int32_t length; /* or a negative errno */
	char text[OVERRIDE_SIZE];
};

struct overrides {
	const struct capture *capture;
	atomic_size_t next;
	struct override_slot slots[];
};

static void read_overrides(void *arg, int beat)
{
	struct overrides *o = arg;

	for (size_t i = o->next; i < o->capture->n_devices; i++) {
		const struct capture_device *d = &o->capture->devices[i];
		struct override_slot *slot = &o->slots[i];

		slot->length = d->device
				       ? (int32_t)device_read(o->capture->cache, d->device,
						 "driver_override", slot->text, sizeof(slot->text))
				       : -ENODEV;
		o->next = i + 1;
		if (write(beat, "", 1) < 0)
			return;
	}
}

static void take_override(struct capture_device *d, const struct override_slot *slot)
{
	d->override = OVERRIDE_UNKNOWN;
	if (slot->length < 0 || !capture_is_text(slot->text))
		return;
	d->override = strcmp(slot->text, "(null)") == 0 ? OVERRIDE_NONE : OVERRIDE_SET;
	snprintf(d->override_text, sizeof(d->override_text), "%s", slot->text);
	d->by_id = d->is_vfio && d->override == OVERRIDE_NONE;
}

int capture_read_overrides(struct capture *c)
{
	size_t size = sizeof(struct overrides) + c->n_devices * sizeof(struct override_slot);
	struct overrides *o = capture_share(size);

	if (!o)
		return -1;
	o->capture = c;
	for (size_t i = 0; i < c->n_devices; i++)
		o->slots[i].length = -EAGAIN;
	for (int tries = 0; tries < OVERRIDE_TRIES && o->next < c->n_devices; tries++) {
		if (!capture_in_child(read_overrides, o, OVERRIDE_MS))
			o->next++; /* past the one that waits */
	}
	for (size_t i = 0; i < c->n_devices; i++)
		take_override(&c->devices[i], &o->slots[i]);
	capture_unshare(o, size);
	return 0;
}
