/* SPDX-License-Identifier: MIT */
/* Memory that lives as long as the plugin works, freed at once. */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <sys/queue.h>

/* Nothing taken from a pool is freed by itself. Short memory ends the process with a message: a
 * compiler has nobody to hand that error to. */
struct pool {
	SLIST_HEAD(, pool_block) blocks;
	ProtobufCAllocator allocator; /* the pool, for protobuf_c_message_unpack */
};

void pool_init(struct pool *pool);

/* Frees all that came from the pool. */
void pool_free(struct pool *pool);

/* size bytes of zeros, aligned for any type. */
void *pool_alloc(struct pool *pool, size_t size);

/* An array of count zeroed elements. */
void *pool_array(struct pool *pool, size_t count, size_t size);

char *pool_copy(struct pool *pool, const char *text);
char *pool_printf(struct pool *pool, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
