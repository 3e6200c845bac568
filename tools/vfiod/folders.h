/* SPDX-License-Identifier: MIT */
/*
 * The folders of state and sockets. All functions say on stderr what is wrong and what to do.
 *
 * user is whom the daemon runs as once it has given up root, NULL when it is not root and
 * everything is its own.
 */
#pragma once

#include "tools/vfiod/sandbox/privileges.h"

#include <sys/types.h>

/* Makes the folder of each ipc:// URL's socket, and its parents where they are missing; other URLs
 * need none. One that it makes is given to the user, and so is one of root's below /run that holds
 * nothing but sockets; what is made in it then has the group, (gid_t)-1 for the user's. Any other
 * must let the user write already. 0 or -1. */
int folder_make_for_urls(const char *urls, const struct identity *user, gid_t group);

/* The folder itself, whatever is above: makes the missing. 0, or -1 with errno. */
int folder_make_parents(const char *path);

/* Prints "vfiod: cannot DOING folder PATH: ERRNO". Returns -1. */
int folder_complain(const char *doing, const char *path);
