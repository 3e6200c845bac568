/* SPDX-License-Identifier: MIT */
/* Giving up root. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct identity {
	uid_t uid;
	gid_t gid; /* nobody's group and no other: what a group may open is not for this process */
	char name[64];
};

/* The user to become. Where it does not exist, nobody if or_nobody, else -1 with a sentence on
 * stderr. */
int privileges_find_user(const char *name, bool or_nobody, struct identity *ret);

/* Becomes that user for good: no capabilities, none to be had again, no new privileges. To be
 * called after the privileged helper is forked and before any thread. 0, or -1 with a sentence on
 * stderr: the process must then end, for it may be half changed. */
int privileges_drop(const struct identity *identity);

/* Keeps, of the capabilities that the process has, the given ones at most, and no way to others. 0,
 * or -1 with a sentence on stderr. */
int privileges_keep(const int *capabilities, size_t n);
