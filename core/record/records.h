/* SPDX-License-Identifier: MIT */
/*
 * The store's records in memory, so that a read of a device asks no disk.
 *
 * Readers take no lock (core/base/epoch.h); each change publishes a fresh copy.
 */
#pragma once

#include "core/record/store.h"

struct origins;

/* Loads every record. 0, or -1 with err. */
int origins_new(struct store *store, struct origins **ret, struct core_error *err);

/* The record of the device, when there is one and it is of this device and not of another that had
 * the address before. Any thread. */
bool origins_find(struct origins *origins, const struct device *device, struct device_origin *ret);

/* Calls fn for a copy of every record until it returns non-zero, and returns that; fn may take its
 * time. 0 at the end, -1 when memory is short. */
int origins_each(
	struct origins *origins, int (*fn)(void *arg, const struct device_origin *), void *arg);

/* Reads the store again, after a change to it. */
int origins_reload(struct origins *origins, struct core_error *err);

void origins_free(struct origins *origins);
