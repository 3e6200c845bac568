/* SPDX-License-Identifier: MIT */
/*
 * Whether vfiod sees all processes of the host.
 *
 * Who uses a device is found by searching /proc. In a namespace of its own, or behind hidepid=,
 * /proc shows some processes only, and nothing tells that there are others. What is not seen must
 * not count as unused.
 */
#pragma once

#include "core/pci/sysfs.h"

/* Finds out what hides processes from whoever calls, by the /proc below the root. To be called with
 * the privileges that the look will have. A simulated host hides nothing. */
enum sight sight_find(const struct sysfs *sysfs);

/* What vfiod is in, for a sentence: "vfiod is in a PID namespace of its own". Static storage; ""
 * for SIGHT_ALL. */
const char *sight_describe(enum sight sight);

/* What to do about it. */
#define SIGHT_ACTION                                                                               \
	"run vfiod in the host's own PID and user namespace, with CAP_SYS_PTRACE; or, if no process outside of the namespace can use devices, start it with --trust-namespace"
