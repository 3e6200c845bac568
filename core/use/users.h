/* SPDX-License-Identifier: MIT */
/*
 * Who and what uses a device. Both processes find it out by this code: the daemon, which asks the
 * privileged helper for what needs privileges, and the helper, which looks itself before it acts.
 */
#pragma once

#include "core/pci/device.h"
#include "core/use/disk_claim.h"
#include "core/use/holders.h"

/* What needs the right to look into other users' processes. */
enum use_look {
	USE_LOOK_FILES,	   /* who has VFIO files open */
	USE_LOOK_MAPPINGS, /* who has a VFIO device mapped */
	USE_LOOK_NODES,	   /* who has native nodes of the devices open */
	USE_LOOK_KERNEL,   /* whether the kernel itself uses the device */
	USE_LOOK_DISKS,	   /* whether all disks of the host can be examined */
};

struct usage;

struct use_answer {
	struct holders holders; /* for holders_clear */
	/* Of USE_LOOK_KERNEL: */
	bool claimed; /* one of the device's disks is open */
	bool console; /* the device's frame buffer shows the host's console */
	/* Of USE_LOOK_KERNEL and USE_LOOK_DISKS: */
	struct blind_spot blind;
};

/* Looks. The addresses are those of USE_LOOK_NODES, which serves any number of devices, and of
 * USE_LOOK_KERNEL, which serves one. 0, or -1 with err. */
typedef int uses_look(void *arg, enum use_look look, const struct pci_address *addresses, size_t n,
	struct use_answer *ret, struct core_error *err);

/* A device, and who and what uses it. */
struct device_use {
	const struct device *device; /* borrowed */
	uint32_t idle_use_count;     /* the part of its use count that no user holds */
	bool is_vfio;		     /* a VFIO driver has it */
	bool is_console;	     /* its frame buffer shows the host's console */
	uint32_t num_vfs;
	/* A problem for each disk, network, open node and VFIO user: what the guards report. */
	struct core_problems problems;
};

/* An examination of any number of devices. What they share is read once, when it is first needed:
 * /proc at most three times, whatever their number. */
struct uses {
	const struct sysfs *sysfs;
	const struct devices *devices;
	uses_look *look;
	void *arg;
	const struct device *const *batch; /* all devices that are to be examined; borrowed */
	size_t n_batch;

	/* Private. */
	struct usage *usage;		/* of the host's disks and networks; NULL: not read yet */
	struct holders files, mappings; /* of all VFIO users */
	struct holders nodes;		/* of the batch's native nodes */
	bool has_files, has_mappings, has_nodes;
};

/* Fills in the use of f->device; f->idle_use_count is given. 0, or -1 with err: what cannot be
 * examined must not count as unused. */
int uses_gather(struct uses *uses, struct device_use *f, struct core_error *err);

/* Finds out whether a process has the device through VFIO. True also when there were too many files
 * to examine. Ignores the use count, because the last driver may have left it. 0, or -1 with err.
 */
int uses_find_process(
	struct uses *uses, const struct device_use *f, bool *ret, struct core_error *err);

/* Adds to the problem the processes that have the device through VFIO or one of its nodes open.
 * Best effort. */
void uses_add_holders(struct uses *uses, const struct device_use *f, struct core_problem *problem);

/* Whether the use count alone tells of a user, although every process could be examined. */
bool uses_is_mere_count(const struct uses *uses, const struct core_problems *problems);

void uses_clear(struct uses *uses);
