/* SPDX-License-Identifier: MIT */
/*
 * The device numbers of nodes that somebody may have open.
 *
 * A path in /proc/PID/fd is not sufficient: a jail or a container has nodes of its own, made by
 * mknod under any name. Type and number identify them.
 */
#pragma once

#include "core/pci/sysfs.h"
#include "core/use/holders.h"

/* A node by its number, and what having it open is. */
struct node_number {
	mode_t type; /* S_IFCHR or S_IFBLK */
	dev_t number;
	enum hold hold;
	int32_t id;	  /* of HOLD_GROUP and HOLD_DEVICE */
	const char *name; /* of HOLD_NODE; borrowed from struct nodes */
};

struct node_numbers {
	struct node_number *items; /* owned; sorted */
	size_t count;
};

/* The nodes of all VFIO groups and devices, as their classes in sysfs number them. 0 or errno. */
int node_numbers_of_vfio(const struct sysfs *sysfs, struct node_numbers *ret);

/* These nodes, as they are below the root's /dev; those that stand for a folder have none. 0 or
 * errno. */
int node_numbers_of(const struct sysfs *sysfs, const struct nodes *nodes, struct node_numbers *ret);

/* The one of that type and number, or NULL. */
const struct node_number *node_numbers_find(
	const struct node_numbers *numbers, mode_t type, dev_t number);

void node_numbers_clear(struct node_numbers *numbers);
