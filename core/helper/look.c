/* SPDX-License-Identifier: MIT */
/* What the privileged helper sees for itself. */
#include "core/helper/look.h"
#include "core/pci/device_table.h"
#include "core/use/native_nodes.h"

#include <errno.h>

int helper_open_device(
	const struct helper_service *s, struct pci_address address, struct device **ret)
{
	/* Without names, which cost a file of a megabyte and decide nothing. */
	const struct devices devices = {.sysfs = &s->sysfs};
	char name[PCI_ADDRESS_SIZE];
	int error = -device_open(&devices, address, ret);

	if (error != ENOENT && error != ENODEV)
		return error;
	/* One that is there and lacks what every device has is not one that is gone. */
	pci_address_format(address, name);
	return sysfs_exists(s->sysfs.devices_fd, name) ? EIO : ENOENT;
}

/* What the kernel itself does with the device. */
static int look_at_kernel(
	const struct sysfs *sysfs, struct pci_address address, struct use_answer *ret)
{
	ret->claimed = disk_claim_any(sysfs, address, &ret->blind);
	ret->console = native_nodes_have_console(sysfs, address) &&
		       native_nodes_show_console(sysfs->root_fd);
	return 0;
}

int helper_look(const struct helper_service *s, enum use_look look,
	const struct pci_address *addresses, size_t n, struct use_answer *ret)
{
	*ret = (struct use_answer){0};
	switch (look) {
	case USE_LOOK_FILES:
		return holders_of_vfio(&s->sysfs, &ret->holders);
	case USE_LOOK_MAPPINGS:
		return holders_of_mappings(&s->sysfs, &ret->holders);
	case USE_LOOK_NODES:
		return holders_of_nodes(&s->sysfs, addresses, n, &ret->holders);
	case USE_LOOK_KERNEL:
		return n == 1 ? look_at_kernel(&s->sysfs, addresses[0], ret) : EINVAL;
	case USE_LOOK_DISKS:
		disk_claim_find_blind(&s->sysfs, &ret->blind);
		return 0;
	}
	return EINVAL;
}
