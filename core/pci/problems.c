/* SPDX-License-Identifier: MIT */
/* The problems that several operations find. */
#include "core/pci/problems.h"

void problem_invalid_address(struct core_problems *problems, const char *text)
{
	core_problem_add(problems, text, REASON_INVALID_ADDRESS,
		"write the address as lspci -D prints it",
		"invalid PCI address format: %.64s (expected format: 0000:01:00.0)", text);
}

void problem_absent(struct core_problems *problems, struct pci_address address)
{
	char text[PCI_ADDRESS_SIZE];

	pci_address_format(address, text);
	core_problem_add_device(problems, address, REASON_DEVICE_NOT_FOUND,
		"`vfioctl list` shows the devices there are", "PCI device not found: %s", text);
}

/* Intel's own graphics, which igfx_off takes from the IOMMU (drivers/iommu/intel/iommu.c,
 * IS_GFX_DEVICE). */
static bool is_igfx(const struct device *d)
{
	return d->vendor == 0x8086 && d->class >> 16 == 0x03;
}

static const char *no_group_action(const struct device *d, enum iommu_state iommu)
{
	if (iommu == IOMMU_IS_OFF)
		return "enable the IOMMU in the firmware and on the kernel command line; `vfioctl doctor` tells how";
	if (iommu == IOMMU_IS_ON_WITHOUT_IGFX && is_igfx(d))
		return "take igfx_off off the kernel command line and reboot: the IOMMU is on, but not for this GPU";
	return "leave it to the host: the IOMMU is on, but the firmware's tables do not put this device behind it";
}

void problem_no_group(
	struct core_problems *problems, const struct device *d, enum iommu_state iommu)
{
	core_problem_add_device(problems, d->address, REASON_NO_IOMMU_GROUP,
		no_group_action(d, iommu),
		"device %s has no IOMMU group (IOMMU may not be enabled)", d->text);
}
