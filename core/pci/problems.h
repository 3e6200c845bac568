/* SPDX-License-Identifier: MIT */
/* The problems that several operations find (docs/operations.md, "Fixed texts"). */
#pragma once

#include "core/error.h"
#include "core/pci/device.h"
#include "core/pci/iommu.h"

void problem_invalid_address(struct core_problems *problems, const char *text);
void problem_absent(struct core_problems *problems, struct pci_address address);
/* What helps a device without a group depends on whether the IOMMU is off, or off for it alone. */
void problem_no_group(
	struct core_problems *problems, const struct device *device, enum iommu_state iommu);
