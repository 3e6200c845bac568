/* SPDX-License-Identifier: MIT */
/* Network interfaces that vfiod cannot see, because they are in another network namespace. */
#pragma once

#include "core/pci/sysfs.h"

/* Whether a device, or what hangs on it, has such an interface. sysfs shows the interfaces of one
 * namespace; of the others it leaves the folder `net` that they are in, which goes with the last of
 * them (get_device_parent and device_del in the kernel's drivers/base/core.c). 1, 0, or a negative
 * errno: it could not be found out. */
int net_is_elsewhere(const struct sysfs *sysfs, struct pci_address address);
