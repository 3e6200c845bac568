/* SPDX-License-Identifier: MIT */
/*
 * Whether a write to a device is under way: the one answer to that question.
 *
 * A child of the privileged helper holds a lock on a file named after the device while its write
 * lasts, even if the daemon that asked for the write has gone. When the write has returned, the
 * device counts as blocked until its change has ended.
 */
#pragma once

#include "core/pci/address.h"

#include <stdbool.h>

struct blocked;

/* An empty set over the folder of the locks, which must outlive it. NULL when memory is short. */
struct blocked *blocked_new(int lock_fd);

/* Frees it; NULL is fine. */
void blocked_free(struct blocked *blocked);

/* Adds a device whose change has not ended, and removes it again. 0 or -ENOMEM. Any thread. */
int blocked_add(struct blocked *blocked, struct pci_address address);
void blocked_remove(struct blocked *blocked, struct pci_address address);

/* While its change is being ended, a device shows as it is, unless a write to it is under way
 * again. Any thread. */
void blocked_settle(struct blocked *blocked, struct pci_address address, bool settles);

/* Whether a write to the device is under way or its change has not ended. Opens a file. Any thread;
 * never blocks. */
bool blocked_has(struct blocked *blocked, struct pci_address address);

/* The same for reads: considers only changes of this daemon, and opens no file while none waits. It
 * is so from the first write of a change on: a device without a driver is then on its way. Any
 * thread; never blocks. */
bool blocked_shows(struct blocked *blocked, struct pci_address address);

/* Says that a change has begun to write to a device, and that it has ended. Short of memory, the
 * device shows as it is meanwhile. Saying so again does nothing. Any thread. */
void blocked_begin(struct blocked *blocked, struct pci_address address);
void blocked_end(struct blocked *blocked, struct pci_address address);

/* Whether the lock of the device's writes is held, or cannot be looked at. Never blocks. */
bool blocked_is_locked(int lock_fd, struct pci_address address);
