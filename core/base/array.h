/* SPDX-License-Identifier: MIT */
/* Arrays that grow by one element at a time. */
#pragma once

#include <stdlib.h>

/* An array with room for one element more than count: items itself, or its replacement. NULL when
 * memory is short; items is untouched then. The array must have grown in this way alone, for its
 * room is told from the count: the next power of two. */
static inline void *array_room(void *items, size_t count, size_t size)
{
	if (count & (count - 1))
		return items;
	return reallocarray(items, count ? count * 2 : 1, size);
}

/* Adds an element to an array that is array_room's and counts it. Yields a pointer to it, which the
 * caller fills in; NULL when memory is short, and then nothing has changed. */
#define ARRAY_ADD(items, count)                                                                    \
	__extension__({                                                                            \
		void *room_ = array_room((items), (count), sizeof(*(items)));                      \
		if (room_)                                                                         \
			(items) = room_;                                                           \
		room_ ? &(items)[(count)++] : NULL;                                                \
	})
