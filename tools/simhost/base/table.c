/* SPDX-License-Identifier: MIT */
/* A hash table: open addressing, linear probing; and numbers. */
#include "tools/simhost/base/table.h"
#include "tools/simhost/base/memory.h"

#include <stdlib.h>

struct table_slot {
	uint64_t key;
	void *value; /* NULL where a value was taken away */
	bool taken;  /* is or was: a search goes on past it */
};

static struct table_slot *table_find(const struct table *t, uint64_t key)
{
	/* Fibonacci hashing: addresses and numbers differ in few, low bits. */
	for (size_t i = (size_t)((key * 0x9e3779b97f4a7c15u) >> 32) & t->mask;;
		i = (i + 1) & t->mask) {
		struct table_slot *slot = &t->slots[i];

		if (!slot->taken || slot->key == key)
			return slot;
	}
}

void table_clear(struct table *table)
{
	free(table->slots);
	*table = (struct table){0};
}

void *table_get(const struct table *table, uint64_t key)
{
	return table->slots ? table_find(table, key)->value : NULL;
}

/* Twice what is in use, so that what was taken away is dropped too. */
static void table_grow(struct table *t)
{
	struct table old = *t;
	size_t live = 0;

	for (size_t i = 0; old.slots && i <= old.mask; i++)
		live += old.slots[i].value != NULL;
	t->mask = 15;
	while (t->mask < live * 4)
		t->mask = t->mask * 2 + 1;
	t->slots = memory_new((t->mask + 1) * sizeof(*t->slots));
	t->used = live;
	for (size_t i = 0; old.slots && i <= old.mask; i++) {
		if (old.slots[i].value)
			*table_find(t, old.slots[i].key) = old.slots[i];
	}
	free(old.slots);
}

void table_put(struct table *table, uint64_t key, void *value)
{
	if (!table->slots || (table->used + 1) * 2 > table->mask)
		table_grow(table);
	struct table_slot *slot = table_find(table, key);
	table->used += !slot->taken;
	*slot = (struct table_slot){.key = key, .value = value, .taken = true};
}

void table_drop(struct table *table, uint64_t key)
{
	if (table->slots)
		table_find(table, key)->value = NULL;
}

/* FNV-1a */
uint64_t table_key(const char *name)
{
	uint64_t key = 0xcbf29ce484222325u;

	for (; *name; name++)
		key = (key ^ (unsigned char)*name) * 0x100000001b3u;
	return key;
}

unsigned numbers_take(struct numbers *n)
{
	while (n->first < n->count && n->used[n->first])
		n->first++;
	if (n->first == n->count) {
		n->used = memory_room(n->used, n->count, sizeof(*n->used));
		n->count++;
	}
	n->used[n->first] = true;
	return (unsigned)n->first;
}

void numbers_drop(struct numbers *n, unsigned number)
{
	n->used[number] = false;
	if (number < n->first)
		n->first = number;
}

void numbers_clear(struct numbers *n)
{
	free(n->used);
	*n = (struct numbers){0};
}
