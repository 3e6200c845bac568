/* SPDX-License-Identifier: MIT */
/*
 * The state folder:
 *
 *   STATE/           root's, 0755: nobody else can exchange what is in it
 *   STATE/locks/     root's, 0750 with the daemon's group: the privileged helper makes locks, the
 * daemon looks STATE/daemon/    the daemon's user's, 0700: the database
 *
 * Of a daemon that is not root all is its own.
 */
#pragma once

#include "tools/vfiod/sandbox/privileges.h"

struct state_folder {
	char *daemon; /* path of the database's folder; owned */
	int locks_fd; /* owned */
};

/* Makes what is missing, and sets owners and modes right. A folder as older versions left it,
 * wholly the daemon's user's, is taken back and its database moved to its place: not a word of what
 * is in it is believed. user is whom the daemon will run as, NULL when it is not root. 0, or -1
 * with a sentence on stderr. */
int state_folder_open(const char *path, const struct identity *user, struct state_folder *ret);

/* Fine on {.locks_fd = -1}. */
void state_folder_clear(struct state_folder *folder);
