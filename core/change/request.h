/* SPDX-License-Identifier: MIT */
/* A request for a change, and its result. */
#pragma once

#include "core/pci/targets.h"
#include "core/plan/plan.h"

/* What a bind or unbind is to do. */
struct change_request {
	struct address_list addresses;
	bool whole_group;   /* every endpoint of the devices' groups too */
	bool all_functions; /* every endpoint function of the devices' cards too */
	bool dry_run;
	bool leave_driverless;	   /* unbind: give to no driver */
	struct node_access access; /* bind: owner and mode of the VFIO nodes */
	uint32_t force;		   /* guards to pass: bit 1u << reason */
	int64_t deadline;	   /* CLOCK_MONOTONIC, ns */
};

/* A device after the change (before it, in a dry run). */
struct change_device {
	struct device *device;
	bool requested; /* not added by an option */
	char original_driver[DRIVER_NAME_SIZE];
	char driver[DRIVER_NAME_SIZE]; /* in place, or planned in a dry run; "" for none */
};

/* What it did, or in a dry run would do. For change_result_clear. */
struct change_result {
	struct change_device *devices; /* the request's first, in its order */
	size_t n_devices;
	struct plan plan; /* the writes made, or that would be */
	struct iommu_group **groups;
	size_t n_groups;
};

/* Frees what the result holds. */
void change_result_clear(struct change_result *result);
