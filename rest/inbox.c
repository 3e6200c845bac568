/* SPDX-License-Identifier: MIT */
/* What has come of a connection. */
#include "rest/inbox.h"

#include <stdlib.h>
#include <string.h>

/* The least that is taken: more than most requests are long. */
#define INBOX_MIN 4096

static int inbox_grow(struct rest_inbox *inbox, size_t need)
{
	size_t cap = inbox->cap ? inbox->cap : INBOX_MIN;
	char *data;

	while (cap < need)
		cap *= 2;
	data = malloc(cap);
	if (!data)
		return -1;
	if (inbox->len > 0)
		memcpy(data, rest_inbox_bytes(inbox), inbox->len);
	free(inbox->data);
	*inbox = (struct rest_inbox){.data = data, .len = inbox->len, .cap = cap};
	return 0;
}

char *rest_inbox_room(struct rest_inbox *inbox, size_t want, size_t *ret_room)
{
	size_t need = inbox->len + want;

	if (need > inbox->cap && inbox_grow(inbox, need) < 0)
		return NULL;
	if (inbox->start + need > inbox->cap) {
		memmove(inbox->data, rest_inbox_bytes(inbox), inbox->len);
		inbox->start = 0;
	}
	*ret_room = inbox->cap - inbox->start - inbox->len;
	return rest_inbox_bytes(inbox) + inbox->len;
}

void rest_inbox_drop(struct rest_inbox *inbox, size_t n)
{
	inbox->start += n;
	inbox->len -= n;
	if (inbox->len > 0)
		return;
	free(inbox->data);
	*inbox = (struct rest_inbox){0};
}

void rest_inbox_cut(struct rest_inbox *inbox, size_t at, size_t n)
{
	char *hole;

	if (n == 0)
		return;
	hole = rest_inbox_bytes(inbox) + at;
	memmove(hole, hole + n, inbox->len - at - n);
	inbox->len -= n;
	rest_inbox_drop(inbox, 0);
}
