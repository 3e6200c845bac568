/* SPDX-License-Identifier: MIT */
/*
 * Who and what uses devices, found out in one way by both processes: by main, which asks the hand
 * for what takes rights, and by the hand, which looks itself before it believes main.
 */
#pragma once

#include "core/plan/facts.h"
#include "core/use/holders.h"
#include "core/use/host_use.h"

/* Finds out what op, one of the hand's looks, answers. 0, or -1 with err. */
typedef int uses_look(void *arg, enum hand_op op, struct pci_address address,
	struct hand_reply *reply, struct holders *ret, struct core_error *err);

/* A look at any number of devices; what serves all of them is read when the first one needs it. */
struct uses {
	const struct sysfs *sysfs;
	const struct devices *devices;
	uses_look *look;
	void *arg;

	/* Private. */
	struct usage *usage;		/* of the host's disks and networks; NULL: not read yet */
	struct holders files, mappings; /* of all VFIO users */
	bool has_files, has_mappings;
};

/* Completes the facts of a device, of which device, has_origin and origin are given: what has it,
 * and who uses it. 0, or -1 with err: who cannot look must not say that nobody is there. */
int uses_gather(struct uses *uses, struct device_facts *f, struct core_error *err);

/* Whether a process has the device by VFIO, or it could not be found out; a use count, which its
 * last driver may have left, does not speak for one. 0, or -1 with err. */
int uses_find_process(
	struct uses *uses, const struct device_facts *f, bool *ret, struct core_error *err);

/* Adds to the problem the processes that have the device by VFIO, or have one of its nodes open.
 * Best effort. */
void uses_add_holders(
	struct uses *uses, const struct device_facts *f, struct core_problem *problem);

/* Whether a list of VFIO users has nothing but a use count in it, while everybody could be looked
 * at. */
bool uses_is_mere_count(const struct uses *uses, const struct core_problems *problems);

void uses_clear(struct uses *uses);
