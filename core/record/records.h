/* SPDX-License-Identifier: MIT */
/*
 * The store's records in memory, so that reading a device does not read the disk.
 *
 * A record is of one binding. Whether it still holds is judged by the device as it is at that
 * moment, each time that the record is asked for: the ending of records on disk
 * (core/change/record_keeper.h) only tidies up.
 */
#pragma once

#include "core/record/store.h"

struct devices;
struct origins;

/* What a record says of its device now. */
enum record_standing {
	RECORD_HOLDS,	   /* the device is in the binding that vfiod made */
	RECORD_DRIVERLESS, /* it has no driver: it is still to be given back, but its nodes are no
			    * longer anybody's */
	RECORD_UNSEEN,	   /* it cannot be looked at; the record has no effect and does not end */
	RECORD_ENDED, /* it left, or another driver has it, or the same one by another binding */
};

/* Loads every record. devices must outlive it. 0, or -1 with err. */
int origins_new(
	struct store *store, struct devices *devices, struct origins **ret, struct core_error *err);

/* Finds the record of the device, if it holds or the device is driverless; then ret has no wish for
 * nodes. False when there is none, or when it is of another device or of another binding. Any
 * thread; never blocks. */
bool origins_find(struct origins *origins, const struct device *device, struct device_origin *ret);

/* Finds the record of the device whatever has it now: for a change of it that is under way. Any
 * thread; never blocks. */
bool origins_recall(
	struct origins *origins, const struct device *device, struct device_origin *ret);

/* Whether the record still holds. device: what is at its address, NULL for nothing. Any thread;
 * never blocks. */
enum record_standing origins_standing(
	struct origins *origins, const struct device_origin *record, const struct device *device);

/* Says, in memory, that the device of the record has been given to its VFIO driver anew, by vfiod;
 * the caller writes it to the store. */
void origins_rebind(
	struct origins *origins, struct pci_address address, struct device_inodes binding);

/* Calls fn for a copy of every record, ended ones too, until fn returns non-zero, and returns that.
 * fn may block. 0 at the end, -1 when memory is short. */
int origins_each(
	struct origins *origins, int (*fn)(void *arg, const struct device_origin *), void *arg);

/* Reads the store again, after a change to it. */
int origins_reload(struct origins *origins, struct core_error *err);

/* Frees it; NULL is fine. */
void origins_free(struct origins *origins);
