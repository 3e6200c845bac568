/* SPDX-License-Identifier: MIT */
/* A change that has begun: what it is, and which states it can have. */
#pragma once

#include "core/record/origin.h"

#include <stdlib.h>

enum intent_kind {
	CHANGE_BIND,
	CHANGE_UNBIND,
	CHANGE_LEAVE_DRIVERLESS, /* an unbind that gives the devices to no driver */
};

/* What leads from one to another is in core/change/lifecycle.h. */
enum intent_phase {
	CHANGE_ENDED,	  /* its records are written, and its intent is removed */
	CHANGE_MAKING,	  /* its steps are being run */
	CHANGE_FINISHING, /* of one device: its other steps follow when a blocked write returns */
	CHANGE_ROLLING_BACK, /* its devices are brought back */
};

struct intent {
	struct intent *next;   /* in a list */
	int64_t id;	       /* in the database; 0 for none */
	enum intent_kind kind; /* the database does not keep it for CHANGE_ROLLING_BACK */
	enum intent_phase phase;
	bool is_of_another_boot; /* nothing that it has done is left */
	size_t n_devices;
	struct device_origin before[]; /* the devices as they were */
};

/* An intent without devices, with room for n. NULL when memory is short; for free(). */
static inline struct intent *intent_new(enum intent_kind kind, size_t n)
{
	struct intent *intent = calloc(1, sizeof(*intent) + n * sizeof(intent->before[0]));

	if (intent) {
		intent->kind = kind;
		intent->phase = CHANGE_MAKING;
	}
	return intent;
}

static inline void intent_list_cleanup(struct intent **list)
{
	for (struct intent *next; *list; *list = next) {
		next = (*list)->next;
		free(*list);
	}
}
