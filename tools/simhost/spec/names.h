/* SPDX-License-Identifier: MIT */
/* Names that the host has beside those of its file. The host itself knows them (view/names.h), and
 * the reader is told: this folder is below it. */
#pragma once

#include <stdbool.h>

/* The folders where names of a host file are beside names that the view makes. */
enum spec_place {
	PLACE_DEVICE,  /* of a PCI device: what drivers make of it */
	PLACE_VIRTUAL, /* /sys/devices/virtual */
	PLACE_CLASSES, /* /sys/class */
	PLACE_DEV,     /* /dev */
	PLACE_NET,     /* of an interface: what is below it */
	PLACE_DISK,    /* of a disk: its partitions */
	PLACE_NODE,    /* of another thing with a node */
	PLACE_OBJECT,  /* of a thing in sysfs alone */
	PLACE_COUNT
};

struct spec_names {
	/* Whether there is a command of the control file of that name; host files may have them. */
	bool (*is_command)(const char *name);

	/* Whether the view makes that name there, now or once the host has changed. */
	bool (*is_made)(enum spec_place place, const char *name);

	/* Whether a character device of the view's own has that number. */
	bool (*is_own_number)(unsigned major, unsigned minor);
};
