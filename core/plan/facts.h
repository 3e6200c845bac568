/* SPDX-License-Identifier: MIT */
/* What a plan is made from: plain data, read by core/inspect/gather.h or by the privileged helper.
 */
#pragma once

#include "core/pci/allowlist.h"
#include "core/pci/display.h"
#include "core/pci/iommu.h"
#include "core/record/origin.h"
#include "core/use/users.h"

/* A device, and what may prevent its change. */
struct device_facts {
	struct device_use use;
	enum display display;
	bool is_pending; /* a write to it has not returned */
	bool is_asked;	 /* the request names it: no option added it */
	bool has_origin; /* vfiod bound it; origin is what it was before */
	struct device_origin origin;
};

struct facts {
	const struct allowlist *allow; /* the server's; borrowed */
	uint32_t deny_force;	       /* guards that it lets nobody pass: bit 1u << reason */
	bool has_denylist;	       /* vfio-pci applies its denylist */
	enum iommu_state iommu;
	bool interrupts_unsafe; /* not remapped, and VFIO is not told to allow that */
	struct device_facts *devices;
	size_t count;
};

/* Frees the devices and their problems. */
void facts_clear(struct facts *facts);
