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

void problem_no_group(struct core_problems *problems, struct pci_address address)
{
	char text[PCI_ADDRESS_SIZE];

	pci_address_format(address, text);
	core_problem_add_device(problems, address, REASON_NO_IOMMU_GROUP,
		"enable the IOMMU in the firmware and on the kernel command line; `vfioctl doctor` tells how",
		"device %s has no IOMMU group (IOMMU may not be enabled)", text);
}
