/* SPDX-License-Identifier: MIT */
/*
 * The kernel's events about devices: by netlink on a real host, by dev/uevent below the root of a
 * simulated one, which has the same text (lib/kobject_uevent.c): "ACTION@DEVPATH" and "KEY=VALUE"
 * strings, each ended by a NUL.
 *
 * Events get lost, when the reader is slow, or vfiod was not running. They say when to look, not
 * what to believe.
 */
#pragma once

#include "core/pci/sysfs.h"

/* What was read. */
enum uevent {
	UEVENT_NONE,  /* there is no event */
	UEVENT_PCI,   /* something happened to a PCI device */
	UEVENT_LOST,  /* events were lost, or one could not be understood: it may have been anything
		       */
	UEVENT_OTHER, /* of something else, or not from the kernel */
	UEVENT_END,   /* there will be no more */
};

/* Opens the events that happen from now on. Returns a descriptor that is polled for reading and
 * never blocks, which the caller closes; or a negative errno: -ENOENT where there are none. To be
 * called before the sandbox. */
int uevents_open(const struct sysfs *sysfs);

/* Reads one event. */
enum uevent uevents_read(int fd);
