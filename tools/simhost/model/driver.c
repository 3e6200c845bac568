/* SPDX-License-Identifier: MIT */
/* Drivers: what they match, and how a device comes to one and leaves it. */
#include "tools/simhost/model/driver.h"
#include "tools/simhost/base/memory.h"
#include "tools/simhost/model/child.h"
#include "tools/simhost/model/device.h"
#include "tools/simhost/model/event.h"
#include "tools/simhost/model/fault.h"
#include "tools/simhost/model/group.h"
#include "tools/simhost/model/hold.h"
#include "tools/simhost/model/sriov.h"

#include "core/base/util.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The kernel's own number for a probe that wants to be tried later; no errno.h has it. */
enum { EPROBE_DEFER = 517 };

static bool match_one(const struct match *m, const struct function *f)
{
	return (m->vendor == SPEC_ANY || m->vendor == f->vendor) &&
	       (m->device == SPEC_ANY || m->device == f->device) &&
	       (m->subsystem_vendor == SPEC_ANY || m->subsystem_vendor == f->subsystem_vendor) &&
	       (m->subsystem_device == SPEC_ANY || m->subsystem_device == f->subsystem_device) &&
	       !((m->class ^ f->class) & m->class_mask);
}

/* An override admits its driver, whatever its table says, and no other. The tables of VFIO drivers
 * count only with an override; what new_id added always does. */
bool driver_matches_device(const struct driver *drv, const struct device *d)
{
	if (d->override)
		return strcmp(d->override, drv->name) == 0;
	for (size_t i = 0; i < drv->n_matches; i++) {
		const struct match *m = &drv->matches[i];
		if ((m->dynamic || !drv->vfio) && match_one(m, d->function))
			return true;
	}
	return false;
}

/* Virtual functions of a physical one that wants them left alone take a driver by override only. */
static bool may_probe(const struct device *d)
{
	return !d->physfn || d->physfn->autoprobe || d->override;
}

/* The driver's own probe: 0 or a positive errno. */
static int run_probe(struct model *m, struct driver *drv, struct device *d)
{
	int error = may_probe(d) ? fault_probe(m, drv, d) : ENODEV;

	if (!error && drv->vfio)
		error = vfio_register(m, d);
	return error;
}

int driver_probe(struct model *m, struct driver *drv, struct device *d, const char *what)
{
	if (d->driver)
		return -EBUSY;
	if (!drv->vfio && !drv->managed_dma && d->group && group_is_owned(m, d->group))
		return -EBUSY;
	d->driver = drv;
	d->linked = true;
	d->bindings++;
	int error = fault_block(m, what, d);
	if (!error)
		error = run_probe(m, drv, d);
	if (error) {
		d->driver = NULL;
		d->linked = false;
		return error;
	}
	d->was_enabled |= !drv->passive;
	children_added(m, d);
	event_device(m, "bind", d);
	return 0;
}

int device_attach(struct model *m, struct device *d, const char *what)
{
	if (d->driver)
		return 0;
	for (size_t i = 0; i < m->n_drivers; i++) {
		struct driver *drv = m->drivers[i];

		if (!drv->module->loaded || !driver_matches_device(drv, d))
			continue;
		int error = driver_probe(m, drv, d, what);
		if (error <= 0)
			return error;
	}
	return 0;
}

static int await_users(struct model *m, const struct device *d)
{
	while (device_is_held(m, d)) {
		if (!model_wait(m))
			return -EIO;
	}
	return 0;
}

/* From 6.6 on VFIO hides the device from new users before it waits for the present ones. */
static int leave_vfio(struct model *m, struct device *d)
{
	if (model_since(m, 6, 6))
		vfio_remove_device(m, d);
	int error = await_users(m, d);
	if (error)
		return error;
	if (d->n_vfs > 0)
		sriov_disable(m, d);
	vfio_remove_device(m, d);
	vfio_leave_group(m, d);
	return 0;
}

int device_detach(struct model *m, struct device *d)
{
	int error;

	if (!d->driver)
		return 0;
	d->linked = false;
	error = fault_block(m, "unbind", d);
	if (!error)
		error = d->driver->vfio ? leave_vfio(m, d) : await_users(m, d);
	if (error)
		return error;
	children_removed(m, d);
	d->enabled += d->driver->leaves_enabled;
	d->driver = NULL;
	event_device(m, "unbind", d);
	return 0;
}

void driver_attach(struct model *m, struct driver *drv)
{
	size_t n;
	CLEANUP(free_cleanup) uint32_t *ids = device_ids(m, &n);

	for (size_t i = 0; i < n; i++) {
		struct device *d = model_object(m, ids[i], OBJECT_DEVICE);

		/* The kernel looks at the table first and takes no lock for what does not match. */
		if (!d || !driver_matches_device(drv, d) || device_lock(m, d) != 0)
			continue;
		if (!d->driver)
			(void)driver_probe(m, drv, d, "probe");
		device_unlock(m, d);
	}
}

static int bind_device(struct model *m, struct driver *drv, struct device *d)
{
	if (!d || !driver_matches_device(drv, d))
		return -ENODEV;
	int error = device_lock(m, d);
	if (error)
		return error;
	error = driver_probe(m, drv, d, "bind");
	device_unlock(m, d);
	if (error == EPROBE_DEFER || error == -EPROBE_DEFER)
		return -EAGAIN;
	return error > 0 ? -error : error;
}

int write_bind(struct model *m, uint32_t driver, const struct write *w)
{
	model_lock(m);
	struct driver *drv = model_object(m, driver, OBJECT_DRIVER);
	struct device *d = device_named(m, w);
	int error = drv && drv->module->loaded ? fault_strike(m, "bind", d) : -ENODEV;
	if (!error)
		error = bind_device(m, drv, d);
	model_unlock(m);
	return error;
}

/* The wait for the lock comes after the look at the driver: a second unbind of a device that is
 * being unbound waits, finds nothing to do, and succeeds. */
int write_unbind(struct model *m, uint32_t driver, const struct write *w)
{
	model_lock(m);
	struct driver *drv = model_object(m, driver, OBJECT_DRIVER);
	struct device *d = device_named(m, w);
	int error = drv ? fault_strike(m, "unbind", d) : -ENODEV;
	if (!error && (!d || d->driver != drv))
		error = -ENODEV;
	if (!error)
		error = device_lock(m, d);
	if (!error) {
		if (d->driver == drv)
			error = device_detach(m, d);
		device_unlock(m, d);
	}
	model_unlock(m);
	return error;
}

/* "Success" says nothing here: a device that has a driver is not looked at, and a probe that fails
 * only means that the next driver is tried. What fails before a probe shows, as EINVAL. */
int write_drivers_probe(struct model *m, uint32_t none, const struct write *w)
{
	(void)none;
	model_lock(m);
	struct device *d = device_named(m, w);
	int error = fault_strike(m, "drivers_probe", d);
	if (!error && !d)
		error = -ENODEV;
	if (!error && !d->driver) {
		error = device_lock(m, d);
		if (!error) {
			error = device_attach(m, d, "drivers_probe");
			error = error && error != -EIO ? -EINVAL : error;
			device_unlock(m, d);
		}
	}
	model_unlock(m);
	return error;
}

int write_drivers_autoprobe(struct model *m, uint32_t none, const struct write *w)
{
	(void)none;
	model_lock(m);
	m->no_autoprobe = w->text[0] == '0';
	model_unlock(m);
	return 0;
}

static int64_t id_of(unsigned value)
{
	return value == ~0u ? (int64_t)SPEC_ANY : (int64_t)value;
}

/* "VENDOR DEVICE [SUBVENDOR SUBDEVICE [CLASS MASK [DATA]]]", hex. Returns how many were there. */
static int read_match(const struct write *w, struct match *ret)
{
	unsigned v[6] = {0, 0, ~0u, ~0u, 0, 0};
	unsigned long data;
	int n = sscanf(
		w->text, "%x %x %x %x %x %x %lx", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &data);

	*ret = (struct match){
		.vendor = id_of(v[0]),
		.device = id_of(v[1]),
		.subsystem_vendor = id_of(v[2]),
		.subsystem_device = id_of(v[3]),
		.class = v[4],
		.class_mask = v[5],
		.dynamic = true,
	};
	return n;
}

/* Whether the driver has the id already, which only the full form of new_id may repeat. */
static bool has_id(const struct driver *drv, const struct match *match)
{
	const struct function f = {
		.vendor = (uint16_t)match->vendor,
		.device = (uint16_t)match->device,
		.subsystem_vendor = (uint16_t)match->subsystem_vendor,
		.subsystem_device = (uint16_t)match->subsystem_device,
		.class = match->class,
	};
	const struct device d = {.function = (struct function *)&f};

	return driver_matches_device(drv, &d);
}

int write_new_id(struct model *m, uint32_t driver, const struct write *w)
{
	struct match match;
	int fields = read_match(w, &match), error;

	if (fields < 2)
		return -EINVAL;
	model_lock(m);
	struct driver *drv = model_object(m, driver, OBJECT_DRIVER);
	error = drv ? fault_strike(m, "new_id", NULL) : -ENODEV;
	if (!error && fields != 7 && has_id(drv, &match))
		error = -EEXIST;
	if (!error) {
		drv->matches = memory_room(drv->matches, drv->n_matches, sizeof(*drv->matches));
		drv->matches[drv->n_matches++] = match;
		driver_attach(m, drv);
	}
	model_unlock(m);
	return error;
}

static bool same_id(const struct match *a, const struct match *b)
{
	return a->vendor == b->vendor && a->device == b->device &&
	       (a->subsystem_vendor == SPEC_ANY || a->subsystem_vendor == b->subsystem_vendor) &&
	       (a->subsystem_device == SPEC_ANY || a->subsystem_device == b->subsystem_device) &&
	       !((a->class ^ b->class) & b->class_mask);
}

int write_remove_id(struct model *m, uint32_t driver, const struct write *w)
{
	struct match match;
	int error = -ENODEV;

	if (read_match(w, &match) < 2)
		return -EINVAL;
	model_lock(m);
	struct driver *drv = model_object(m, driver, OBJECT_DRIVER);
	for (size_t i = 0; drv && error && i < drv->n_matches; i++) {
		if (!drv->matches[i].dynamic || !same_id(&match, &drv->matches[i]))
			continue;
		memmove(&drv->matches[i], &drv->matches[i + 1],
			(drv->n_matches - i - 1) * sizeof(*drv->matches));
		drv->n_matches--;
		error = 0;
	}
	model_unlock(m);
	return error;
}
