/* SPDX-License-Identifier: MIT */
/* Bytes of a connection that have come and are not h2o's yet. */
#pragma once

#include <stddef.h>

/* All zero is an empty one, which holds no memory. */
struct rest_inbox {
	char *data; /* of cap bytes; those that are there begin at start */
	size_t start, len, cap;
};

/* The bytes that are there; NULL where none ever were. */
static inline char *rest_inbox_bytes(const struct rest_inbox *inbox)
{
	return inbox->data ? inbox->data + inbox->start : NULL;
}

/* Room for at least `want` more bytes behind those that are there, *ret_room of them; to be counted
 * in len once filled. NULL when out of memory. */
char *rest_inbox_room(struct rest_inbox *inbox, size_t want, size_t *ret_room);

/* Drops n bytes at the front; with the last one goes the memory. */
void rest_inbox_drop(struct rest_inbox *inbox, size_t n);

/* Drops n bytes that begin `at` bytes behind the first. */
void rest_inbox_cut(struct rest_inbox *inbox, size_t at, size_t n);
