/* SPDX-License-Identifier: MIT */
/* The folders of state and sockets. */
#pragma once

#include <sys/types.h>

/* Makes the folder and its parents where they are missing, and gives it to uid and gid (-1 leaves
 * the owner). One that exists is given away only while it is empty. 0, or -1 with a sentence on
 * stderr. */
int folder_make(const char *path, mode_t mode, uid_t uid, gid_t gid);

/* Makes the folder of an ipc:// URL's socket; other URLs need none. */
int folder_make_for_url(const char *url, uid_t uid, gid_t gid);

/* Makes and opens the folder "locks" in the state folder, the hand's own: the daemon's user can
 * read it and no more. Returns a descriptor, or -1 with a sentence on stderr. */
int folder_open_locks(const char *state);
