/* SPDX-License-Identifier: MIT */
/* Two vfiod on a static tree: the one under test, and a decoy that takes the same floods while the
 * other is quiet, so that what a flood itself costs the machine is in both. */
#pragma once

#include "tests/contract/daemon.h"
#include "tests/floods/flood.h"

#include <sys/types.h>

struct stand {
	struct tree *tree;
	struct daemon *tested, *decoy;
	unsigned tested_fds, decoy_fds; /* that each has at rest */
};

/* A flood that runs in a process of its own. */
struct flood_run {
	pid_t pid;
	int fd; /* "r" once it is ready, then what it did */
};

/* Starts both; aborts when one does not come up. */
void stand_open(struct stand *stand, const char *vfiod);

/* Ends both. False with why when one does not end with status 0. */
bool stand_close(struct stand *stand, struct why *why);

/* Waits until neither spends processor time or has a connection any more, 30 s at most. False with
 * why, as when one has ended. */
bool stand_await_rest(const struct stand *stand, struct why *why);

/* Starts this program anew, as flood_main below, and waits until it is ready. */
void flood_start(
	struct flood_run *run, const char *flood, const struct daemon *server, unsigned seconds);

/* Ends it. False with why when it had failed. */
bool flood_stop(struct flood_run *run, struct flood_done *ret, struct why *why);

/* The flood's own process. Arguments: FLOOD HTTP-URL IPC-URL TCP-URL SECONDS; what it tells goes to
 * standard output. */
int flood_main(char **args);
