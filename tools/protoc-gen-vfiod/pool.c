/* SPDX-License-Identifier: MIT */
/* Memory that lives as long as the plugin works. */
#include "tools/protoc-gen-vfiod/pool.h"

#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pool_block {
	SLIST_ENTRY(pool_block) next;
	_Alignas(max_align_t) char data[];
};

static void *allocator_alloc(void *data, size_t size)
{
	return pool_alloc(data, size);
}

static void allocator_free(void *data, void *block)
{
	(void)data;
	(void)block;
}

void pool_init(struct pool *pool)
{
	SLIST_INIT(&pool->blocks);
	pool->allocator = (ProtobufCAllocator){
		.alloc = allocator_alloc, .free = allocator_free, .allocator_data = pool};
}

void pool_free(struct pool *pool)
{
	struct pool_block *block;

	while ((block = SLIST_FIRST(&pool->blocks))) {
		SLIST_REMOVE_HEAD(&pool->blocks, next);
		free(block);
	}
}

void *pool_alloc(struct pool *pool, size_t size)
{
	return pool_array(pool, 1, size);
}

void *pool_array(struct pool *pool, size_t count, size_t size)
{
	struct pool_block *block = NULL;
	size_t total;

	if (!__builtin_mul_overflow(count, size, &total) &&
		!__builtin_add_overflow(total, sizeof(*block), &total))
		block = calloc(1, total);
	if (!block)
		errx(EXIT_FAILURE, "memory is short");
	SLIST_INSERT_HEAD(&pool->blocks, block, next);
	return block->data;
}

char *pool_copy(struct pool *pool, const char *text)
{
	return pool_printf(pool, "%s", text);
}

char *pool_printf(struct pool *pool, const char *fmt, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0)
		err(EXIT_FAILURE, "vsnprintf");
	text = pool_alloc(pool, (size_t)len + 1);
	va_start(args, fmt);
	vsnprintf(text, (size_t)len + 1, fmt, args);
	va_end(args);
	return text;
}
