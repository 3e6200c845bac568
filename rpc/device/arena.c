/* SPDX-License-Identifier: MIT */
/* An arena: the memory of one answer. */
#include "rpc/device/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCK_SIZE = 16384 };

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	_Alignas(max_align_t) unsigned char bytes[];
};

static struct arena_block *block_for(struct arena *arena, size_t size)
{
	struct arena_block *b = arena->blocks;

	if (b && b->size - b->used >= size)
		return b;
	size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
	b = calloc(1, sizeof(*b) + room);
	if (!b)
		return NULL;
	b->size = room;
	b->next = arena->blocks;
	arena->blocks = b;
	return b;
}

void *arena_array(struct arena *arena, size_t n, size_t size)
{
	size_t bytes;

	if (n == 0)
		return NULL;
	struct arena_block *b = NULL;
	if (!__builtin_mul_overflow(n, size, &bytes) && bytes < SIZE_MAX / 2) {
		bytes = (bytes + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
		b = block_for(arena, bytes);
	}
	if (!b) {
		arena->failed = true;
		return NULL;
	}
	void *p = b->bytes + b->used;
	b->used += bytes;
	return p;
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
	static char nothing[1];
	va_list args, again;

	va_start(args, fmt);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, fmt, args);
	char *text = n < 0 ? NULL : arena_array(arena, (size_t)n + 1, 1);
	if (text)
		vsnprintf(text, (size_t)n + 1, fmt, again);
	va_end(again);
	va_end(args);
	return text ? text : nothing;
}

void arena_clear(struct arena *arena)
{
	while (arena->blocks) {
		struct arena_block *next = arena->blocks->next;
		free(arena->blocks);
		arena->blocks = next;
	}
	arena->failed = false;
}
