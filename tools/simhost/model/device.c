/* SPDX-License-Identifier: MIT */
/* Devices: how they come, are locked, and go. */
#include "tools/simhost/model/device.h"
#include "tools/simhost/base/memory.h"
#include "tools/simhost/model/attribute.h"
#include "tools/simhost/model/driver.h"
#include "tools/simhost/model/event.h"
#include "tools/simhost/model/fault.h"
#include "tools/simhost/model/group.h"
#include "tools/simhost/model/module.h"
#include "tools/simhost/model/sriov.h"

#include "core/base/util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct device *model_device(const struct model *m, struct pci_address address)
{
	return table_get(&m->devices, pci_address_key(address));
}

static void device_free(struct device *d)
{
	if (d->function->is_virtual)
		function_free(d->function);
	free(d->children);
	free(d->vfs);
	free(d->override);
	free(d->power_control);
	free(d->reset);
	free(d);
}

int device_wait(
	struct model *m, struct device *d, bool (*waits)(const struct device *, void *), void *arg)
{
	bool running = true;

	d->pins++;
	while (running && waits(d, arg))
		running = model_wait(m);
	d->pins--;
	if (!d->gone)
		return running ? 0 : -EIO;
	if (d->pins == 0 && !d->locked)
		device_free(d);
	return -ENODEV;
}

static bool is_locked(const struct device *d, void *arg)
{
	(void)arg;
	return d->locked;
}

int device_lock(struct model *m, struct device *d)
{
	int error = device_wait(m, d, is_locked, NULL);

	if (!error)
		d->locked = true;
	return error;
}

void device_unlock(struct model *m, struct device *d)
{
	d->locked = false;
	model_wake(m);
	if (d->gone && d->pins == 0)
		device_free(d);
}

int device_lock_id(struct model *m, uint32_t id, struct device **ret)
{
	struct device *d = model_object(m, id, OBJECT_DEVICE);
	int error = d ? device_lock(m, d) : -ENODEV;

	if (!error)
		*ret = d;
	return error;
}

int model_await_device(struct model *m, uint32_t device)
{
	struct device *d;
	int error = device_lock_id(m, device, &d);

	if (!error)
		device_unlock(m, d);
	return error;
}

struct device *model_device_named(const struct model *m, const char *name)
{
	char canonical[PCI_ADDRESS_SIZE];
	struct pci_address address;

	if (!pci_address_parse(name, &address))
		return NULL;
	pci_address_format(address, canonical);
	return strcmp(name, canonical) == 0 ? model_device(m, address) : NULL;
}

struct device *device_named(struct model *m, const struct write *w)
{
	char text[PCI_ADDRESS_SIZE];
	size_t n = strlen(w->text);

	if (n > 0 && w->text[n - 1] == '\n')
		n--;
	if (n >= sizeof(text))
		return NULL;
	memcpy(text, w->text, n);
	text[n] = '\0';
	return model_device_named(m, text);
}

char *device_path(const struct device *d)
{
	char text[PCI_ADDRESS_SIZE];
	struct pci_address a = d->function->address;

	pci_address_format(a, text);
	if (!d->parent)
		return memory_print("/devices/pci%04x:%02x/%s", a.domain, a.bus, text);
	CLEANUP(free_cleanup) char *parent = device_path(d->parent);
	if (!function_is_bridge(d->parent->function))
		return memory_print("%s/pci%04x:%02x/%s", parent, a.domain, a.bus, text);
	return memory_print("%s/%s", parent, text);
}

unsigned device_enable_count(const struct model *m, const struct device *d)
{
	unsigned n = d->enabled;

	/* A bridge is enabled on behalf of what is behind it. */
	n += function_is_bridge(d->function);
	if (d->driver && !d->driver->vfio && !d->driver->passive &&
		!function_is_bridge(d->function))
		n++;
	for (size_t i = 0; i < m->n_holds; i++) {
		const struct hold *h = m->holds[i];
		if (h->device == d->object.id && h->owns) {
			n++;
			break;
		}
	}
	return n;
}

static struct device *parent_of(const struct model *m, const struct function *f)
{
	return f->parent ? model_device(m, f->parent->address) : NULL;
}

struct device *device_add(struct model *m, struct function *f, struct device *physfn)
{
	struct device *d = memory_new(sizeof(*d));
	struct device *parent = parent_of(m, f);

	d->function = f;
	d->parent = parent;
	d->physfn = physfn;
	d->msi = true;
	d->d3cold = !f->conventional && !function_is_bridge(f);
	d->autoprobe = f->sriov.autoprobe;
	d->numa = f->numa;
	d->power_control = memory_copy("on");
	d->reset = memory_copy(f->reset);
	object_add(m, &d->object, OBJECT_DEVICE);
	table_put(&m->devices, pci_address_key(f->address), d);
	struct device ***list = parent ? &parent->children : &m->roots;
	size_t *count = parent ? &parent->n_children : &m->n_roots;
	*list = memory_room(*list, *count, sizeof(struct device *));
	(*list)[(*count)++] = d;
	m->n_devices++;
	f->now = d;
	if (f->group != SPEC_NO_GROUP)
		group_join(m, d, f->group, false);
	event_device(m, "add", d);
	return d;
}

void device_autoprobe(struct model *m, struct device *d)
{
	if (device_lock(m, d) != 0)
		return;
	(void)device_attach(m, d, "probe");
	device_unlock(m, d);
}

/* The driver that the host file says, whatever comes first in the order of drivers. */
static void device_boot(struct model *m, struct device *d)
{
	const struct function *f = d->function;
	struct driver *drv = f->driver ? model_driver(m, f->driver) : NULL;

	d->override = memory_copy(f->override);
	if (drv && drv->vfio && !d->override)
		d->override = memory_copy(f->driver);
	if (f->driverless)
		return;
	d->locked = true;
	if (!drv || driver_probe(m, drv, d, "probe") != 0)
		(void)device_attach(m, d, "probe");
	device_unlock(m, d);
}

/* Discovery happens from the bridges down, as parents come first in the host file. Drivers come
 * after all devices are there, as at boot. */
void scan(struct model *m)
{
	bool first = !m->booted;
	struct device **fresh = NULL;
	size_t n = 0;
	struct function *f;

	TAILQ_FOREACH (f, &m->spec->functions, link) {
		/* A virtual function may have the address: what is there first stays. */
		if (f->now || f->absent || (f->parent && !f->parent->now) ||
			model_device(m, f->address))
			continue;
		fresh = memory_room(fresh, n, sizeof(*fresh));
		fresh[n++] = device_add(m, f, NULL);
	}
	for (size_t i = 0; i < n; i++) {
		f = fresh[i]->function;
		if (first)
			device_boot(m, fresh[i]);
		else
			device_autoprobe(m, fresh[i]);
		if (first && f->sriov.enabled)
			sriov_enable(m, fresh[i], f->sriov.enabled);
	}
	free(fresh);
}

static void unlink_device(struct model *m, struct device *d)
{
	struct device *parent = d->parent;

	array_drop(parent ? parent->children : m->roots, parent ? &parent->n_children : &m->n_roots,
		d);
	table_drop(&m->devices, pci_address_key(d->function->address));
	object_drop(m, &d->object);
	m->n_devices--;
	d->function->now = NULL;
	d->gone = true;
	group_leave(m, d);
}

/* What hangs on the device, last first; somebody else may be removing it too. */
static int remove_all(struct model *m, struct device *const *const *list, const size_t *count)
{
	int error = 0;

	while (*count > 0 && (error == 0 || error == -ENODEV))
		error = device_remove(m, (*list)[*count - 1]);
	return error == -ENODEV ? 0 : error;
}

/* Locks the device when nothing hangs on it. While this waits for the lock, whoever has it may make
 * virtual functions. */
static int lock_alone(struct model *m, struct device *d)
{
	for (;;) {
		int error = remove_all(m, (struct device *const *const *)&d->vfs, &d->n_vfs);
		if (!error)
			error = remove_all(
				m, (struct device *const *const *)&d->children, &d->n_children);
		if (!error)
			error = device_lock(m, d);
		if (error || d->n_vfs == 0)
			return error;
		device_unlock(m, d);
	}
}

int device_remove(struct model *m, struct device *d)
{
	int error = lock_alone(m, d);

	if (error)
		return error;
	error = device_detach(m, d);
	if (!error) {
		event_device(m, "remove", d);
		if (d->physfn)
			array_drop(d->physfn->vfs, &d->physfn->n_vfs, d);
		unlink_device(m, d);
	}
	device_unlock(m, d);
	return error;
}

uint32_t *device_ids(const struct model *m, size_t *ret_n)
{
	const struct function *f;
	uint32_t *ids = NULL;
	size_t n = 0;

	TAILQ_FOREACH (f, &m->spec->functions, link) {
		if (!f->now)
			continue;
		ids = memory_room(ids, n, sizeof(*ids));
		ids[n++] = f->now->object.id;
		for (size_t i = 0; i < f->now->n_vfs; i++) {
			ids = memory_room(ids, n, sizeof(*ids));
			ids[n++] = f->now->vfs[i]->object.id;
		}
	}
	*ret_n = n;
	return ids;
}

/* Surprise removal and the write to `remove` are one in the kernel too: both wait for users. */
static int remove_at(struct model *m, uint32_t id, bool pulled)
{
	int error = scan_begin(m);
	struct device *d = error ? NULL : model_object(m, id, OBJECT_DEVICE);

	if (error)
		return error;
	if (!d) {
		error = -ENODEV;
	} else {
		struct function *f = d->function->is_virtual ? NULL : d->function;
		error = device_remove(m, d);
		if (!error && f)
			f->absent = pulled;
	}
	scan_end(m);
	return error;
}

int model_vanish(struct model *m, struct pci_address address)
{
	model_lock(m);
	struct device *d = model_device(m, address);
	int error = d ? remove_at(m, d->object.id, true) : -ENODEV;
	model_unlock(m);
	return error;
}

int model_appear(struct model *m, struct pci_address address)
{
	struct function *f;
	int error;

	model_lock(m);
	f = spec_find(m->spec, address);
	error = !f ? -ENODEV : f->now || model_device(m, address) ? -EEXIST : scan_begin(m);
	if (!error) {
		f->absent = false;
		scan(m);
		scan_end(m);
	}
	model_unlock(m);
	return error;
}

int write_remove(struct model *m, uint32_t device, const struct write *w)
{
	unsigned long value;
	int error = 0;

	if (!write_number(w, ~0ul, &value))
		return -EINVAL;
	model_lock(m);
	struct device *d = model_object(m, device, OBJECT_DEVICE);
	if (!d)
		error = -ENODEV;
	else
		error = fault_strike(m, "remove", d);
	if (!error)
		error = fault_block(m, "remove", d);
	if (!error && value)
		error = remove_at(m, device, false);
	model_unlock(m);
	return error;
}

int write_rescan(struct model *m, uint32_t none, const struct write *w)
{
	unsigned long value;
	int error;

	(void)none;
	if (!write_number(w, ~0ul, &value))
		return -EINVAL;
	model_lock(m);
	error = fault_strike(m, "rescan", NULL);
	if (!error && value)
		error = scan_begin(m);
	if (!error && value) {
		scan(m);
		scan_end(m);
	}
	model_unlock(m);
	return error;
}
