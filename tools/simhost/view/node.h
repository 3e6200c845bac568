/* SPDX-License-Identifier: MIT */
/*
 * A node of the view, and the names of a directory.
 *
 * A node is a number and nothing else: which kind of thing, which attribute of it, and the id of
 * its object. Nothing is kept for it, so that there is nothing to forget; and as ids are not given
 * twice, a node of a device that is gone is ENOENT for ever, whatever has its address now.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct node {
	uint8_t kind, attribute; /* attribute 0: the thing itself */
	uint32_t extra;		 /* the kind's own use, 18 bits; of a writable file: any */
	uint32_t object;
};

enum { NODE_EXTRA_MAX = (1 << 18) - 1 };

/* Names of a directory. */
struct listing {
	struct listing_entry {
		char *name;
		mode_t type; /* S_IFDIR, … */
	} * entries;
	size_t count;
};

void listing_clear(struct listing *listing);

__attribute__((format(printf, 3, 4))) void listing_add(
	struct listing *out, mode_t type, const char *format, ...);

/* The number behind a prefix ("vfio12"), canonical and to the end. False for anything else. */
bool name_number(const char *name, const char *prefix, int *ret);
