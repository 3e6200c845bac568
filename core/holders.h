/* SPDX-License-Identifier: MIT */
/* Which processes have VFIO files, or a device's other nodes, open or mapped. */
#pragma once

#include "core/hand.h"
#include "core/sysfs.h"

/*
 * Looks through /proc below the root and fills in reply->holders, n_holders and truncated. Needs
 * the right to look into other users' processes, so it runs in the hand.
 *
 * No single sign is enough (a mapping outlives its file, an open cdev leaves `enable` at 0), so
 * every sign is reported and the caller decides. Opening the nodes to find out would break a
 * virtual machine that is starting. With nodes, these are looked for in place of VFIO's. Returns 0
 * or errno.
 */
int holders_scan(const struct sysfs *sysfs, const struct nodes *nodes, struct hand_reply *reply);
