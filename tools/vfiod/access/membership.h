/* SPDX-License-Identifier: MIT */
/* Whether a user is in a group, by the host's user database. */
#pragma once

#include <sys/types.h>

/* 1 or 0; 0 also where there is no such user. A negative errno where the database cannot tell.
 * Reads it through NSS, which may block as long as a directory service takes. Thread-safe. */
int membership_read(uid_t uid, gid_t group);
