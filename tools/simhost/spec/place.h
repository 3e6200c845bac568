/* SPDX-License-Identifier: MIT */
/* Where things of a host file are: that each has a place of its own. */
#pragma once

#include "tools/simhost/spec/reader.h"

/* Whether the child's class, paths and number are in nobody else's place: neither of a thing that
 * an earlier line made, nor of what the view makes itself (names.h). Notes them. False, with
 * the reader's error, when they are. All are safe names, and there. */
bool spec_take_places(struct reader *r, const struct spec_child *c);

/* The key of a number in the reader's table of numbers: disks and other nodes are numbered apart.
 */
uint64_t spec_number_key(const char *number, bool is_disk);
