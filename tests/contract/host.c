/* SPDX-License-Identifier: MIT */
/* The host that the cases speak of. */
#include "tests/contract/host.h"

#include "core/util.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* clang-format off */
static const struct tree_device added[] = {
	{.address = "0000:09:00.0", .vendor = 0x8086, .device = 0x1572, .group = 13,
		.driver = "vfio-pci", .native = "i40e", .override = "vfio-pci"},
	{.address = "0000:09:00.1", .vendor = 0x8086, .device = 0x1572, .group = 13,
		.driver = "vfio-pci", .native = "i40e", .override = "vfio-pci"},
	{.address = "0000:0a:00.0", .vendor = 0x15b3, .device = 0x101e, .group = 14,
		.driver = "mlx5_vfio_pci", .native = "mlx5_core", .override = "mlx5_vfio_pci"},
	{.address = "0000:0b:00.0", .vendor = 0x144d, .device = 0xa80a, .class = 0x010802,
		.group = 15, .driver = "vfio-pci", .native = "nvme", .override = "vfio-pci"},
	{.address = "0000:0c:00.0", .vendor = 0x10de, .device = 0x2204, .class = 0x030000,
		.group = 16, .driver = "vfio-pci", .native = "nvidia", .override = "vfio-pci"},
};
/* clang-format on */

struct tree *host_new(void)
{
	struct tree *tree = tree_new_standard();
	char folder[128];

	for (size_t i = 0; i < ARRAY_SIZE(added); i++)
		tree_add_device(tree, &added[i]);
	tree_write(tree, "sys/bus/pci/devices/0000:0b:00.0/enable", "1\n");
	tree_write(tree, "proc/4242/comm", "qemu-system-x86\n");
	/* The link is only read as text, and its target need not exist. */
	tree_mkdir(tree, "proc/4242/fd");
	snprintf(folder, sizeof(folder), "%s/proc/4242/fd/7", tree_root(tree));
	if (symlink("/dev/vfio/16", folder) < 0)
		abort();
	snprintf(folder, sizeof(folder), "%s", tree_root(tree));
	*strrchr(folder, '/') = '\0';
	if (chmod(folder, 0755) < 0)
		abort();
	return tree;
}
