/* SPDX-License-Identifier: MIT */
/* What the privileged helper's children have seen of all processes. */
#include "core/helper/look_cache.h"

#include "core/base/clock.h"
#include "core/base/util.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

enum { LOOKS = USE_LOOK_NODES + 1, MAX_KEPT = 1024 };

static const int64_t FRESH_NS = NS_PER_S;

struct look_cache {
	pthread_mutex_t mutex; /* robust: a child that looks may be killed */
	struct kept {
		uint32_t batch; /* 0: nothing is kept */
		int64_t until;
		size_t count;
		struct holder holders[MAX_KEPT];
	} kept[LOOKS];
};

struct look_cache *look_cache_new(void)
{
	struct look_cache *cache = mmap(
		NULL, sizeof(*cache), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t how;

	if (cache == MAP_FAILED)
		return NULL;
	pthread_mutexattr_init(&how);
	pthread_mutexattr_setpshared(&how, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&how, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&cache->mutex, &how);
	pthread_mutexattr_destroy(&how);
	return cache;
}

/* What a child was writing when it was killed is nothing to rely on. */
static bool cache_enter(struct look_cache *cache)
{
	int error = pthread_mutex_trylock(&cache->mutex);

	if (error == EOWNERDEAD) {
		for (size_t i = 0; i < LOOKS; i++)
			cache->kept[i].batch = 0;
		error = pthread_mutex_consistent(&cache->mutex);
	}
	return error == 0;
}

bool look_cache_get(
	struct look_cache *cache, uint32_t batch, enum use_look look, struct holders *ret)
{
	CLEANUP(holders_clear) struct holders copy = {0};
	bool is_fresh = false;

	if (!cache || batch == 0 || (unsigned)look >= LOOKS || !cache_enter(cache))
		return false;
	const struct kept *kept = &cache->kept[look];
	if (kept->batch == batch && now_ns() < kept->until) {
		is_fresh = true;
		for (size_t i = 0; is_fresh && i < kept->count; i++)
			is_fresh = holders_add(&copy, &kept->holders[i]);
	}
	pthread_mutex_unlock(&cache->mutex);
	if (!is_fresh)
		return false;
	*ret = copy;
	copy = (struct holders){0};
	return true;
}

void look_cache_put(struct look_cache *cache, uint32_t batch, enum use_look look, int64_t begin,
	const struct holders *holders)
{
	int64_t end = now_ns(), took = end - begin;

	if (!cache || batch == 0 || (unsigned)look >= LOOKS || holders->is_truncated ||
		holders->count > MAX_KEPT || !cache_enter(cache))
		return;
	struct kept *kept = &cache->kept[look];
	kept->batch = 0;
	for (size_t i = 0; i < holders->count; i++)
		kept->holders[i] = holders->items[i];
	kept->count = holders->count;
	kept->until = end + (took > FRESH_NS ? took : FRESH_NS);
	kept->batch = batch;
	pthread_mutex_unlock(&cache->mutex);
}
