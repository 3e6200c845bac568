/* SPDX-License-Identifier: MIT */
/* Opens a host, and tells the running kernel's own files from a simulation of them. */
#pragma once

#include "core/pci/sysfs.h"

/* Opens the folders below root. 0 or a negative errno.
 *
 * The host is simulated only if root is not "/" and none of sys/bus/pci/devices,
 * sys/bus/pci/drivers and dev/vfio is the kernel's own. The file systems of the open folders tell
 * that, wherever they are mounted. A folder that is absent is not the kernel's; one that cannot be
 * examined counts as the kernel's. */
int sysfs_open(struct sysfs *ret, const char *root);

/* Whether writing to one open file (O_PATH is sufficient) could reach this machine's devices. An
 * attribute is the kernel's if it is in sysfs, a device node if its number is one of VFIO's. */
bool sysfs_file_is_real(int fd);
