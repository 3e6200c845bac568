/* SPDX-License-Identifier: MIT */
/* A mounted simulated host, from mount to unmount. */
#pragma once

#include "tools/simhost/model/model.h"

/* Mounts the model and serves it until SIGTERM, SIGINT or an unmount from outside. Goes to the
 * background once mounted unless told to stay: it then returns in the child only. Call it while
 * there is one thread. Says on the standard error why it failed. 0 or -1. */
int session_run(struct model *model, const char *mountpoint, bool foreground);
