/* SPDX-License-Identifier: MIT */
/* The host that the cases speak of (contract.host), mounted by simhost: a fresh one each time. */
#pragma once

#include "tests/contract/why.h"

struct mount;

/* What a test program exits with where mount_possible is false. */
enum { MOUNT_SKIP = 77 };

/* Whether this machine lets us mount at all; says on the standard output why not. */
bool mount_possible(void);

/* Mounts it on a new folder below /tmp. It ends with this process at the latest. NULL with why. */
struct mount *mount_new(struct why *why);

/* The folder to give as --root; the mount's. */
const char *mount_root(const struct mount *mount);

/* Ends and unmounts it; what still waits in a write then fails. NULL is fine. */
void mount_free(struct mount *mount);
