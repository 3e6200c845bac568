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
	int32_t id;		    /* of HOLD_GROUP and HOLD_DEVICE */
	struct pci_address address; /* of HOLD_NODE: the device whose node it is */
	char name[NODE_SIZE];	    /* of HOLD_NODE: its path; "" while nobody has asked for it */
};

struct node_numbers {
	struct node_number *items; /* owned; sorted by node_numbers_sort */
	size_t count;
};

/* The nodes of all VFIO groups and devices, as their classes in sysfs number them. 0 or errno. */
int node_numbers_of_vfio(const struct sysfs *sysfs, struct node_numbers *ret);

/* Appends one; the caller sorts them. 0 or ENOMEM. */
int node_numbers_add(struct node_numbers *numbers, const struct node_number *number);
void node_numbers_sort(struct node_numbers *numbers);

/* Reads "MAJOR:MINOR". False when the text is none. */
bool node_number_parse(const char *text, dev_t *ret);

/* The first one of that type and number, or NULL. Others of the same number follow it: a node may
 * hang on several devices. */
struct node_number *node_numbers_find(
	const struct node_numbers *numbers, mode_t type, dev_t number);

void node_numbers_clear(struct node_numbers *numbers);
