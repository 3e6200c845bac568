/* SPDX-License-Identifier: MIT */
/* The store's records in memory, so that reading a device does not read the disk. */
#pragma once

#include "core/record/store.h"

struct origins;

/* Loads every record. 0, or -1 with err. */
int origins_new(struct store *store, struct origins **ret, struct core_error *err);

/* Finds the record of the device. False when there is none, or when it is the record of another
 * device that had the address before. Any thread. */
bool origins_find(struct origins *origins, const struct device *device, struct device_origin *ret);

/* Calls fn for a copy of every record until fn returns non-zero, and returns that. fn may block. 0
 * at the end, -1 when memory is short. */
int origins_each(
	struct origins *origins, int (*fn)(void *arg, const struct device_origin *), void *arg);

/* Reads the store again, after a change to it. */
int origins_reload(struct origins *origins, struct core_error *err);

/* Frees it; NULL is fine. */
void origins_free(struct origins *origins);
