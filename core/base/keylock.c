/* SPDX-License-Identifier: MIT */
/* Locks by number. */
#include "core/base/keylock.h"

#include "core/base/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <time.h>

void keylock_init(struct keylock *lock)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&lock->changed, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&lock->mutex, NULL);
	lock->holds = NULL;
}

void keylock_destroy(struct keylock *lock)
{
	pthread_cond_destroy(&lock->changed);
	pthread_mutex_destroy(&lock->mutex);
}

static bool overlaps(const struct keylock_hold *hold, const uint64_t *keys, size_t n)
{
	for (size_t i = 0; i < hold->n; i++) {
		for (size_t j = 0; j < n; j++) {
			if (hold->keys[i] == keys[j])
				return true;
		}
	}
	return false;
}

static bool is_free(const struct keylock *lock, const uint64_t *keys, size_t n)
{
	for (const struct keylock_hold *h = lock->holds; h; h = h->next) {
		if (overlaps(h, keys, n))
			return false;
	}
	return true;
}

int keylock_acquire(struct keylock *lock, struct keylock_hold *hold, const uint64_t *keys, size_t n,
	int64_t deadline)
{
	struct timespec until = clock_timespec(deadline);
	int error = 0;

	pthread_mutex_lock(&lock->mutex);
	while (!error && !is_free(lock, keys, n))
		error = pthread_cond_timedwait(&lock->changed, &lock->mutex, &until);
	if (!error) {
		*hold = (struct keylock_hold){.keys = keys, .n = n, .next = lock->holds};
		lock->holds = hold;
	}
	pthread_mutex_unlock(&lock->mutex);
	return -error;
}

void keylock_release(struct keylock *lock, struct keylock_hold *hold)
{
	pthread_mutex_lock(&lock->mutex);
	struct keylock_hold **at = &lock->holds;
	while (*at != hold)
		at = &(*at)->next;
	*at = hold->next;
	pthread_cond_broadcast(&lock->changed);
	pthread_mutex_unlock(&lock->mutex);
}
