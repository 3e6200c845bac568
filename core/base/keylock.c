/* SPDX-License-Identifier: MIT */
/* Locks by number. */
#include "core/base/keylock.h"

#include "core/base/thread.h"

#include <errno.h>

void keylock_init(struct keylock *lock)
{
	thread_cond_init(&lock->changed);
	pthread_mutex_init(&lock->mutex, NULL);
	lock->holds = NULL;
}

void keylock_destroy(struct keylock *lock)
{
	pthread_cond_destroy(&lock->changed);
	pthread_mutex_destroy(&lock->mutex);
}

static bool hold_overlaps(const struct keylock_hold *hold, const uint64_t *keys, size_t n)
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
		if (hold_overlaps(h, keys, n))
			return false;
	}
	return true;
}

int keylock_acquire(struct keylock *lock, struct keylock_hold *hold, const uint64_t *keys, size_t n,
	int64_t deadline)
{
	bool in_time = true, held;

	pthread_mutex_lock(&lock->mutex);
	while (!(held = is_free(lock, keys, n)) && in_time)
		in_time = thread_wait(&lock->changed, &lock->mutex, deadline);
	if (held) {
		*hold = (struct keylock_hold){.keys = keys, .n = n, .next = lock->holds};
		lock->holds = hold;
	}
	pthread_mutex_unlock(&lock->mutex);
	return held ? 0 : -ETIMEDOUT;
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
