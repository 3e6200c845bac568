/* SPDX-License-Identifier: MIT */
/* Inside of the model. All under the model's lock, which those that say they wait let go of. */
#pragma once

#include "tools/simhost/base/memory.h"
#include "tools/simhost/model/model.h"

#include "core/util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Gives the object its id and makes it findable. */
void object_add(struct model *m, struct object *object, enum object_type type);
void object_drop(struct model *m, struct object *object);

/* Takes the pointer out of an array of them, keeping the order. */
void array_drop(void *array, size_t *count, const void *element);

/* Waits until something changed. False when the host is going down. */
bool model_wait(struct model *m);
void model_wake(struct model *m);

/* Whoever adds or removes devices; waits. 0 or -EIO. */
int scan_begin(struct model *m);
void scan_end(struct model *m);

/* Waits as long as `waits` says, for a device that others may remove meanwhile. 0; -ENODEV when it
 * went (it may be freed then), -EIO. */
int device_wait(
	struct model *m, struct device *d, bool (*waits)(const struct device *, void *), void *arg);

/* Takes the device's lock; waits. On 0 the device is there and device_unlock is due; -ENODEV when
 * it went meanwhile, -EIO. */
int device_lock(struct model *m, struct device *d);

/* May free the device. */
void device_unlock(struct model *m, struct device *d);

/* Finds by id and locks. */
int device_lock_id(struct model *m, uint32_t id, struct device **ret);

/* The device that a text of sysfs names: its address and at most one newline. */
struct device *device_named(struct model *m, const struct write *w);

/* Discovers the functions that are present and have no device yet, and what is below them. */
void scan(struct model *m);

/* Makes the device of one function. probe: the bus tries its drivers. */
struct device *device_add(struct model *m, struct function *f, struct device *physfn);

/* Has its drivers probe a device that was discovered: whatever drivers_autoprobe says, which the
 * kernel's PCI core does not ask here. */
void device_autoprobe(struct model *m, struct device *d);

/* Removes it with all below; waits for users. The scan lock is held. */
int device_remove(struct model *m, struct device *d);

/* Whether a change of driver of the device has to wait for a user. */
bool device_is_held(const struct model *m, const struct device *d);

/* The driver, though its module may not be loaded. */
struct driver *driver_any(const struct model *m, const char *name);

/* Whether the driver's table or the override match. */
bool driver_matches_device(const struct driver *drv, const struct device *d);

/* Has the driver probe the locked device; waits where a fault blocks `what`. 0; a negative errno
 * for what fails before the probe; a positive one from the probe itself. */
int driver_probe(struct model *m, struct driver *drv, struct device *d, const char *what);

/* Tries every driver, as the kernel's device_attach. 0, or the first negative errno. */
int device_attach(struct model *m, struct device *d, const char *what);

/* Takes the locked device from its driver; waits for its users. 0 or -EIO. */
int device_detach(struct model *m, struct device *d);

/* Has the driver probe every device that it matches and that has none; waits. */
void driver_attach(struct model *m, struct driver *drv);

/* The ids of all devices, for walks that wait on their way; the caller frees. */
uint32_t *device_ids(const struct model *m, size_t *ret_n);

/* Registers the device with VFIO. 0 or a positive errno, as a probe. */
int vfio_register(struct model *m, struct device *d);

/* Takes the device's own node away; and, with the last one, the group's. */
void vfio_remove_device(struct model *m, struct device *d);
void vfio_leave_group(struct model *m, struct device *d);

/* Whether a user owns the group's DMA, so that native drivers are kept out. */
bool group_is_owned(const struct model *m, const struct group *g);
void group_join(struct model *m, struct device *d, int number, bool noiommu);
void group_leave(struct model *m, struct device *d);

/* Removes all virtual functions, or makes n. Waits. */
void sriov_disable(struct model *m, struct device *pf);
void sriov_enable(struct model *m, struct device *pf, unsigned n);

/* Shows or hides what the driver of the device makes. */
void children_added(struct model *m, const struct device *d);
void children_removed(struct model *m, const struct device *d);

/* The boot: drivers, modules, children. */
void drivers_new(struct model *m);
void drivers_free(struct model *m);
void children_new(struct model *m);
void children_free(struct model *m);
void holds_free(struct model *m);
void faults_free(struct model *m);

/* Strikes with a fault that is due: 0 or the negative errno it asks for. d may be NULL. */
int fault_strike(struct model *m, const char *what, const struct device *d);

/* Waits while `what` is blocked on the device. As device_wait; a device whose lock the caller has
 * cannot go. */
int fault_block(struct model *m, const char *what, struct device *d);

/* The errno (positive) that the driver's probe of the device is to fail with; 0. */
int fault_probe(const struct model *m, const struct driver *drv, const struct device *d);

/* Sends an event. variables: NULL, or "KEY=VALUE\n" lines. */
void event_send(struct model *m, const char *action, const char *path, const char *subsystem,
	const char *variables);
void event_device(struct model *m, const char *action, const struct device *d);

/* Adds "driver X", "module X". */
void event_plain(struct model *m, const char *action, const char *folder, const char *name,
	const char *subsystem);

/* A boolean as kstrtobool takes it: 1, y, Y, t, T, on. False for none. */
bool write_bool(const struct write *w, bool *ret);

/* A number as kstrtoul takes it, one trailing newline aside. */
bool write_number(const struct write *w, unsigned long max, unsigned long *ret);

/* Whether the text, one trailing newline aside, is that word. */
bool write_is(const struct write *w, const char *word);
