/* SPDX-License-Identifier: MIT */
/*
 * Which boot of the host this is.
 *
 * What a driver has, and every driver_override, ends with the boot. The kernel draws a new id for
 * each (drivers/char/random.c, boot_id).
 */
#pragma once

#include "core/pci/sysfs.h"

enum { BOOT_ID_SIZE = 40 };

struct boot {
	char id[BOOT_ID_SIZE]; /* hex digits and hyphens; "simulated" on a host without boots */
	int64_t time;	       /* seconds since 1970; INT64_MAX when unknown */
};

/* Reads the id alone. 0 or a negative errno; -EINVAL when it is none. */
int boot_read_id(const struct sysfs *sysfs, char ret[static BOOT_ID_SIZE]);

/* Reads id and time. 0 or the negative errno of the id. */
int boot_read(const struct sysfs *sysfs, struct boot *ret);
