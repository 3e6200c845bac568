/* SPDX-License-Identifier: MIT */
/* One host: what is open and what is running, for core/change, core/inspect and core itself. */
#pragma once

#include "core/base/keylock.h"
#include "core/pci/allowlist.h"
#include "core/pci/sysfs.h"
#include "core/use/vfio_nodes.h"

#include <stdint.h>

struct blocked;
struct devices;
struct helper;
struct node_keeper;
struct origins;
struct pending;
struct record_keeper;
struct store;

struct host {
	struct sysfs sysfs;
	struct devices *devices;
	struct store *store;
	struct origins *origins;
	struct helper *helper;
	struct allowlist allow;	     /* what the server lets through */
	uint32_t deny_force;	     /* guards that it lets nobody pass: bit 1u << reason */
	struct helper_client client; /* who must not get a node of VFIO */
	struct keylock groups;	     /* held by changes: one per IOMMU group */
	struct blocked *blocked;
	struct pending *pending;
	struct node_keeper *keeper;
	struct record_keeper *record_keeper;
	int lock_fd;  /* folder of the helper's locks */
	int state_fd; /* locked, so that no second daemon uses the folder */
};
