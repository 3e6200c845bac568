/* SPDX-License-Identifier: MIT */
/* Locks by number, several at once: changes to one IOMMU group wait for each other, others do not.
 */
#pragma once

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/* One holder's keys, on its stack while it holds them. */
struct keylock_hold {
	const uint64_t *keys;
	size_t n;
	struct keylock_hold *next;
};

struct keylock {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct keylock_hold *holds;
};

void keylock_init(struct keylock *lock);
void keylock_destroy(struct keylock *lock);

/* Waits until none of the keys is held by another, then holds them all: all at once, so two callers
 * cannot wait for each other. hold and keys must live until keylock_release. 0, or -ETIMEDOUT at
 * deadline (CLOCK_MONOTONIC, ns). */
int keylock_acquire(struct keylock *lock, struct keylock_hold *hold, const uint64_t *keys, size_t n,
	int64_t deadline);
void keylock_release(struct keylock *lock, struct keylock_hold *hold);
