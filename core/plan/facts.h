/* SPDX-License-Identifier: MIT */
/*
 * What a plan needs to know of the host, read once and then plain data.
 *
 * This is the reading half of planning, core/plan/plan.h the thinking half: whatever may stand in a
 * change's way is found out here, whether or not the request will be stopped by it.
 */
#pragma once

#include "core/pci/allowlist.h"
#include "core/record/store.h"

struct host;

/* A device, and who and what uses it. */
struct device_facts {
	const struct device *device; /* borrowed */
	bool is_vfio;		     /* a VFIO driver has it */
	bool is_pending;	     /* a write to it has not returned */
	bool is_console;	     /* its frame buffer shows the host's console */
	bool has_origin;	     /* vfiod bound it, from origin */
	struct device_origin origin;
	uint32_t num_vfs;
	/* Disks, networks, open nodes, VFIO users: what each guard would say. */
	struct core_problems uses;
};

struct facts {
	const struct allowlist *allow; /* the server's; borrowed */
	uint32_t deny_force;	       /* guards that it lets nobody pass: bit 1u << reason */
	bool has_denylist;	       /* vfio-pci refuses the devices it has on its denylist */
	bool interrupts_unsafe;	       /* neither remapped nor allowed without */
	struct device_facts *devices;
	size_t count;
};

/* Reads the facts about n devices, which must outlive them. Asks the hand, so it may block until
 * deadline. 0, or -1 with err when something could not be found out: who cannot look must not say
 * that nobody is there. */
int facts_gather(struct host *host, struct device *const *devices, size_t n, int64_t deadline,
	struct facts *ret, struct core_error *err);

/* Adds to the problem the processes that use the device by VFIO, or have one of its nodes open:
 * who keeps a write to it from returning. Best effort. */
void facts_add_holders(struct host *host, const struct device *device, int64_t deadline,
	struct core_problem *problem);

void facts_clear(struct facts *facts);
static inline void facts_cleanup(struct facts *facts)
{
	facts_clear(facts);
}
