/* SPDX-License-Identifier: MIT */
/* An arena: the memory of one answer, allocated piece by piece and freed at once. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena {
	struct arena_block *blocks;
	bool failed; /* some allocation found no memory */
};

/* n elements of size bytes, zeroed; NULL when memory is short (arena->failed is set then) or n is
 * 0. Lives until arena_clear. */
void *arena_array(struct arena *arena, size_t n, size_t size);

/* A formatted string; "" when memory is short, so that a message stays well-formed. */
char *arena_printf(struct arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Frees everything. */
void arena_clear(struct arena *arena);
