/* SPDX-License-Identifier: MIT */
/*
 * Ends the records that no longer hold.
 *
 * Who reads a record judges it by the device as it is then (core/record/records.h), so nothing
 * depends on when this is done. A thread does it whenever the kernel tells of a PCI device, so that
 * the database does not keep what was.
 */
#pragma once

#include "core/error.h"

#include <stdbool.h>
#include <stdint.h>

struct host;
struct record_keeper;

/* Creates a keeper that reads these events (core/pci/uevents.h), and takes the descriptor over; -1
 * for none. NULL when memory is short. */
struct record_keeper *record_keeper_new(struct host *host, int uevent_fd);

/* To be called once at the start, when the changes that were cut off have been ended. Finds out
 * which binding the records of an older version are of: the present one, if a VFIO driver has the
 * device and its nodes are as the record wishes. Ends those that do not hold, and starts the
 * thread. 0, or -1 with err when the store fails. */
int record_keeper_start(struct record_keeper *keeper, struct core_error *err);

/* Ends the thread. False when it has not ended by the deadline (CLOCK_MONOTONIC, ns): the keeper
 * must not be freed then. */
bool record_keeper_stop(struct record_keeper *keeper, int64_t deadline);

/* Frees what has stopped; NULL is fine. */
void record_keeper_free(struct record_keeper *keeper);
