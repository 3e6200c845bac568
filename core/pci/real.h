/* SPDX-License-Identifier: MIT */
/* Tells the running kernel's own files from a simulation of them, for sysfs.h. */
#pragma once

#include <stdbool.h>

/* Whether a host below root_fd is real; devices is a descriptor of its sys/bus/pci/devices, or the
 * negative errno with which it could not be opened. */
bool real_below(int root_fd, int devices);
