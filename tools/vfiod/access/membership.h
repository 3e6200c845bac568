/* SPDX-License-Identifier: MIT */
/* Whether a user is in a group, by the host's user database. */
#pragma once

#include <sys/types.h>

enum { MEMBERSHIP_NAME = 33 }; /* for a user's name, which may be cut */

/* 1 or 0; 0 also where there is no such user. A negative errno where the database cannot tell.
 * ret_name, where it is not NULL, gets the user's name, if there is one. Reads the database through
 * NSS, which may block as long as a directory service takes. Thread-safe. */
int membership_read(uid_t uid, gid_t group, char ret_name[MEMBERSHIP_NAME]);
