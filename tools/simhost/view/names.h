/* SPDX-License-Identifier: MIT */
/* Names that a host file cannot give, for the view makes them itself. */
#pragma once

#include <stdbool.h>

/* The folders where names of a host file are beside names that the view makes. */
enum view_place {
	PLACE_DEVICE,  /* of a PCI device: what drivers make of it */
	PLACE_VIRTUAL, /* /sys/devices/virtual */
	PLACE_CLASSES, /* /sys/class */
	PLACE_DEV,     /* /dev */
	PLACE_NET,     /* of an interface: what is below it */
	PLACE_DISK,    /* of a disk: its partitions */
	PLACE_NODE,    /* of another thing with a node */
	PLACE_COUNT
};

/* Whether the view makes that name there, now or once the host has changed. */
bool view_makes(enum view_place place, const char *name);

/* Whether a character device of the view's own has that number. */
bool view_makes_number(unsigned major, unsigned minor);
