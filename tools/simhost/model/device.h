/* SPDX-License-Identifier: MIT */
/* Devices: how they come, are locked, and go. */
#pragma once

#include "tools/simhost/model/model.h"

/* Under the lock. */
struct device *model_device(const struct model *m, struct pci_address address);

/* By the name of its folder: the address, in no other spelling than the kernel's. Under the lock.
 */
struct device *model_device_named(const struct model *m, const char *name);

/* How often the device is enabled: attribute `enable`. */
unsigned device_enable_count(const struct model *m, const struct device *d);

/* Its path below /sys, from "/devices" on; the caller frees it. */
char *device_path(const struct device *d);

int write_remove(struct model *m, uint32_t device, const struct write *w);
int write_rescan(struct model *m, uint32_t none, const struct write *w);

/* Waits as the kernel does where a read takes the device's lock, under the model's. 0, or ENODEV
 * when the device went meanwhile. */
int model_await_device(struct model *m, uint32_t device);

int model_vanish(struct model *m, struct pci_address address);
int model_appear(struct model *m, struct pci_address address);

/* --- inside of the model --------------------------------------------------------------------- */

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

/* The ids of all devices, for walks that wait on their way; the caller frees. */
uint32_t *device_ids(const struct model *m, size_t *ret_n);
