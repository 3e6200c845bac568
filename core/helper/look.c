/* SPDX-License-Identifier: MIT */
/* What the privileged helper sees for itself. */
#include "core/helper/look.h"
#include "core/pci/device_table.h"

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

static int look_at_nodes(
	const struct sysfs *sysfs, struct pci_address address, struct use_answer *ret)
{
	struct nodes nodes;

	nodes_find(sysfs->root_fd, address, &nodes);
	if (nodes.is_incomplete)
		return E2BIG;
	ret->claimed = nodes_claimed(sysfs, &nodes, &ret->blind);
	ret->console = nodes_match(&nodes, "/dev/fb0") && nodes_show_console(sysfs->root_fd);
	return holders_of_nodes(sysfs, &nodes, &ret->holders);
}

int helper_look(const struct helper_service *s, enum use_look look, struct pci_address address,
	struct use_answer *ret)
{
	*ret = (struct use_answer){0};
	switch (look) {
	case USE_LOOK_FILES:
		return holders_of_vfio(&s->sysfs, &ret->holders);
	case USE_LOOK_MAPPINGS:
		return holders_of_mappings(&s->sysfs, &ret->holders);
	case USE_LOOK_NODES:
		return look_at_nodes(&s->sysfs, address, ret);
	case USE_LOOK_DISKS:
		nodes_find_blind(&s->sysfs, &ret->blind);
		return 0;
	}
	return EINVAL;
}
