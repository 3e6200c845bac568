/* SPDX-License-Identifier: MIT */
/* What server and host said during the run of a case. */
#include "tests/contract/tape.h"

#include <stdio.h>
#include <stdlib.h>

static void copy(struct bytes *to, const struct bytes *from)
{
	if (from)
		bytes_add(to, from->data ? from->data : "", from->len);
}

void tape_record(
	struct tape *tape, int number, const struct bytes *first, const struct bytes *second)
{
	struct tape_item item = {.number = number};

	if (!tape)
		return;
	copy(&item.texts[0], first);
	copy(&item.texts[1], second);
	tape->items = reallocarray(tape->items, tape->count + 1, sizeof(item));
	if (!tape->items)
		abort();
	tape->items[tape->count++] = item;
}

bool tape_is_replaying(const struct tape *tape)
{
	return tape && tape->replaying;
}

const struct tape_item *tape_play(struct tape *tape)
{
	if (tape->next == tape->count) {
		fprintf(stderr, "a case asks for more than there was in its first run\n");
		abort();
	}
	return &tape->items[tape->next++];
}

void tape_cut(struct tape *tape, size_t count)
{
	while (tape && tape->count > count) {
		struct tape_item *last = &tape->items[--tape->count];

		bytes_clear(&last->texts[0]);
		bytes_clear(&last->texts[1]);
	}
}

void tape_rewind(struct tape *tape)
{
	tape->replaying = true;
	tape->next = 0;
}

void tape_clear(struct tape *tape)
{
	tape_cut(tape, 0);
	free(tape->items);
	*tape = (struct tape){0};
}
