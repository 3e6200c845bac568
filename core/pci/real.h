/* SPDX-License-Identifier: MIT */
/* What is the running kernel's own, and what is a simulation of it: sysfs.h's questions. */
#pragma once

#include <stdbool.h>

/* Whether a host below root_fd is real; devices is a descriptor of its sys/bus/pci/devices, or the
 * negative errno with which it could not be opened. */
bool real_below(int root_fd, int devices);
