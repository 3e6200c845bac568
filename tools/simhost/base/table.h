/* SPDX-License-Identifier: MIT */
/* Tables: a hash table from numbers to pointers (devices by address, groups by number, objects by
 * id, what has a name by that), and the smallest number that nothing has. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_slot;

/* Zeroed is empty. Not locked: the model's lock covers it. */
struct table {
	struct table_slot *slots;
	size_t mask, used; /* capacity - 1; slots that are or were taken */
};

void table_clear(struct table *table);

/* The value put under the key, or NULL. */
void *table_get(const struct table *table, uint64_t key);

/* Puts a value, which must not be NULL, in place of the one that may be there. */
void table_put(struct table *table, uint64_t key, void *value);

/* Takes the value away, if there is one. */
void table_drop(struct table *table, uint64_t key);

/* A key for a name. Two names may have the same one. */
uint64_t table_key(const char *name);

/* Numbers in use. Zeroed is none. */
struct numbers {
	bool *used;
	size_t count, first; /* below `first` all are in use */
};

/* Takes the smallest number that is not in use. */
unsigned numbers_take(struct numbers *numbers);
void numbers_drop(struct numbers *numbers, unsigned number);
void numbers_clear(struct numbers *numbers);
