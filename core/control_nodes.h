/* SPDX-License-Identifier: MIT */
/*
 * The nodes that every VFIO user needs beside those of its device: /dev/vfio/vfio, or /dev/iommu
 * for a device's own node. The kernel makes the first for everybody and the second for root
 * (drivers/vfio/container.c, drivers/iommu/iommufd/main.c); udev and others change that.
 */
#pragma once

#include "core/host.h"

/* A node that somebody cannot open. */
struct control_node {
	const char *path; /* static storage */
	uint32_t mode, uid, gid;
	char who[96];	  /* "user 1000 cannot open it" */
	char action[128]; /* what to do about it */
};

/* Finds a control node that a user or group with this access cannot open. A user may have groups
 * that are not told: a node that any group can open is taken for one that the user can. False when
 * there is none. Needs no privileges. */
bool control_nodes_find(
	struct host *host, const struct node_access *access, struct control_node *ret);

/* The same for the owners on record. While there are none, /dev/vfio/vfio alone matters, which must
 * not be root's alone. */
bool control_nodes_check(struct host *host, struct control_node *ret);
