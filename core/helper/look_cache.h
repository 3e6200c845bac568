/* SPDX-License-Identifier: MIT */
/*
 * What the privileged helper's children have seen of all processes.
 *
 * To search /proc of a host with many processes takes seconds. A change of many devices looks again
 * before it takes each of them. The looks of one change, which main numbers, share what was seen a
 * moment ago: for a second after the search has ended, or as long as the search took, if that is
 * longer. A number is only ever a reason to look anew: whatever main says, nothing older is used.
 *
 * The cache is in memory that all children share. None waits for another: who cannot have it looks
 * for itself.
 */
#pragma once

#include "core/helper/service.h"

struct look_cache;

/* An empty one; NULL when memory is short. To be called before the first child is forked. */
struct look_cache *look_cache_new(void);

/* Copies what a look of the batch has seen, if that is fresh. Whether it is; the caller clears
 * *ret. */
bool look_cache_get(
	struct look_cache *cache, uint32_t batch, enum use_look look, struct holders *ret);

/* Keeps what a look has seen that began then (now_ns), if there is room for it. */
void look_cache_put(struct look_cache *cache, uint32_t batch, enum use_look look, int64_t begin,
	const struct holders *holders);
