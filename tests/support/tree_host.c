/* SPDX-License-Identifier: MIT */
/* What the static host uses its devices for, and the host most tests want. */
#include "core/base/util.h"
#include "tests/support/tree_internal.h"

#include <stdio.h>

void tree_make_folders(struct tree *tree)
{
	static const char *const folders[] = {
		"sys/bus/pci/devices",
		"sys/bus/pci/drivers",
		"sys/kernel/iommu_groups",
		"sys/class/net",
		"sys/class/block",
		"sys/dev/block",
		"sys/dev/char",
		"sys/devices/virtual",
		"sys/module/vfio_iommu_type1",
		"sys/firmware/acpi/tables",
		"dev/vfio/devices",
	};

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		tree_mkdir(tree, folders[i]);
	tree_write(tree, "sys/bus/pci/drivers_probe", "%s", "");
	tree_write(tree, "sys/firmware/acpi/tables/DMAR", "DMAR");
	tree_write(tree, "dev/vfio/vfio", "%s", "");
	tree_write(tree, "proc/1/mountinfo", "%s",
		"25 1 0:23 / /proc rw,nosuid - proc proc rw\n"
		"26 1 0:24 / /sys rw,nosuid - sysfs sysfs rw\n");
	tree_write(tree, "proc/1/comm", "init\n");
	tree_write(tree, "proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n");
	tree_write(tree, "proc/net/route", "%s",
		"Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n");
	tree_write(tree, "proc/net/if_inet6", "%s", "");
	tree_write(tree, "proc/interrupts", "%s",
		"            CPU0\n  1:  9  IR-IO-APIC  1-edge  i8042\n");
	tree_write(tree, "proc/cmdline", "root=/dev/nvme0n1p1 intel_iommu=on\n");
	tree_write(tree, "proc/cpuinfo", "vendor_id\t: GenuineIntel\n");
	tree_write(tree, "proc/sys/kernel/osrelease", "6.1.0-test\n");
}

/* The folder of a device's function, or of none. */
static const char *home(const struct tree *tree, const char *address)
{
	return address ? tree_entry(tree, address)->path : "sys/devices/virtual";
}

static void add_routes(struct tree *tree, const struct tree_net *net)
{
	if (net->route || net->default_route)
		tree_append(tree, "proc/net/route", "%s\t0002A8C0\t00000000\t0001\t0\t0\t0\t%s\n",
			net->name, "00FFFFFF\t0\t0\t0");
	if (net->default_route)
		tree_append(tree, "proc/net/route", "%s\t00000000\t0102A8C0\t0003\t0\t0\t0\t%s\n",
			net->name, "00000000\t0\t0\t0");
	if (net->scope6)
		tree_append(tree, "proc/net/if_inet6", "%s 02 40 %s 80 %8s\n",
			"fe80000000000000505400fffe123456", net->scope6, net->name);
}

void tree_add_net(struct tree *tree, const struct tree_net *net)
{
	char folder[TREE_PATH], path[TREE_PATH], other[TREE_PATH];

	tree_path(folder, "%s/net/%s", home(tree, net->address), net->name);
	tree_path(path, "%s/flags", folder);
	tree_write(tree, path, net->up ? "0x1003\n" : "0x1002\n");
	if (net->master) {
		tree_path(path, "%s/master", folder);
		tree_path(other, "sys/devices/virtual/net/%s", net->master);
		tree_link(tree, path, other);
	}
	if (net->upper) {
		tree_path(path, "%s/upper_%s", folder, net->upper);
		tree_path(other, "sys/devices/virtual/net/%s", net->upper);
		tree_link(tree, path, other);
	}
	tree_path(path, "sys/class/net/%s", net->name);
	tree_link(tree, path, folder);
	add_routes(tree, net);
}

/* What the kernel shows of everything with a number: `uevent`, and a link by the number. */
static void add_number(struct tree *tree, const char *type, const char *folder, const char *number,
	const char *node)
{
	char path[TREE_PATH], name[128];
	unsigned major = 0, minor = 0;

	sscanf(number, "%u:%u", &major, &minor);
	tree_path(path, "%s/uevent", folder);
	snprintf(name, sizeof(name), "%s", node ? node : "");
	for (char *c = name; *c; c++)
		*c = *c == '!' ? '/' : *c;
	tree_write(tree, path, "MAJOR=%u\nMINOR=%u\n%s%s%s", major, minor, node ? "DEVNAME=" : "",
		name, node ? "\n" : "");
	tree_path(path, "sys/dev/%s/%s", type, number);
	if (!tree_exists(tree, path))
		tree_link(tree, path, folder);
}

void tree_add_node(struct tree *tree, const struct tree_node *node)
{
	char folder[TREE_PATH], path[TREE_PATH];

	tree_path(folder, "%s/%s", home(tree, node->address), node->path);
	tree_path(path, "%s/dev", folder);
	tree_write(tree, path, "%s\n", node->number);
	add_number(tree, "char", folder, node->number, node->node);
}

void tree_add_disk(struct tree *tree, const struct tree_disk *disk)
{
	char folder[TREE_PATH], path[TREE_PATH], other[TREE_PATH], number[32];

	snprintf(number, sizeof(number), "259:%u", tree->next_disk++);
	const char *dev = disk->number ? disk->number : number;
	if (disk->parent)
		tree_path(folder, "%s/block/%s/%s", home(tree, disk->address), disk->parent,
			disk->name);
	else
		tree_path(folder, "%s/block/%s", home(tree, disk->address), disk->name);
	tree_path(path, "%s/dev", folder);
	tree_write(tree, path, "%s\n", dev);
	tree_path(path, "%s/holders", folder);
	tree_mkdir(tree, path);
	if (disk->holder) {
		tree_path(path, "%s/holders/%s", folder, disk->holder);
		tree_path(other, "sys/devices/virtual/block/%s", disk->holder);
		tree_link(tree, path, other);
	}
	tree_path(path, "sys/class/block/%s", disk->name);
	tree_link(tree, path, folder);
	add_number(tree, "block", folder, dev, disk->name);
	if (disk->mounted_on)
		tree_append(tree, "proc/1/mountinfo", "30 1 %s / %s rw - ext4 /dev/%s rw\n", dev,
			disk->mounted_on, disk->name);
	if (disk->swap)
		tree_append(tree, "proc/swaps", "/dev/%s\tpartition\t1000\t0\t-2\n", disk->name);
}

/* clang-format off */
static const struct tree_device standard[] = {
	{.address = "0000:00:01.0", .vendor = 0x8086, .device = 0x1901, .class = 0x060400,
		.group = 10, .driver = "pcieport"},
	{.address = "0000:00:02.0", .vendor = 0x8086, .device = 0x3e92, .class = 0x030000,
		.group = 5, .driver = "i915", .boot_vga = true},
	{.address = "0000:01:00.0", .behind = "0000:00:01.0", .vendor = 0x10de, .device = 0x2204,
		.class = 0x030000, .subsystem_vendor = 0x1043, .subsystem_device = 0x87d5,
		.revision = 0xa1, .group = 1, .driver = "nvidia", .numa_node = "0",
		.resource = "0x00000000f6000000 0x00000000f6ffffff 0x0000000000040200\n"
			    "0x00000000e0000000 0x00000000efffffff 0x000000000014220c\n"
			    "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
			    "0x000000000000e000 0x000000000000e07f 0x0000000000040101"},
	{.address = "0000:01:00.1", .behind = "0000:00:01.0", .vendor = 0x10de, .device = 0x1aef,
		.class = 0x040300, .subsystem_vendor = 0x1043, .subsystem_device = 0x87d5,
		.revision = 0xa1, .group = 1, .driver = "snd_hda_intel", .numa_node = "0"},
	{.address = "0000:02:00.0", .vendor = 0x8086, .device = 0x10d3, .group = 2,
		.driver = "e1000e", .numa_node = "1"},
	{.address = "0000:03:00.0", .vendor = 0x8086, .device = 0x10d3, .group = 3,
		.driver = "e1000e"},
	{.address = "0000:04:00.0", .vendor = 0x144d, .device = 0xa80a, .class = 0x010802,
		.group = 4, .driver = "nvme"},
	{.address = "0000:05:00.0", .vendor = 0x8086, .device = 0x1521, .group = 6,
		.driver = "igb", .total_vfs = 7},
	{.address = "0000:05:10.0", .vendor = 0x8086, .device = 0x1520, .group = 7,
		.driver = "igbvf", .physfn = "0000:05:00.0"},
	{.address = "0000:05:10.2", .vendor = 0x8086, .device = 0x1520, .group = 8,
		.driver = "igbvf", .physfn = "0000:05:00.0"},
	{.address = "0000:06:00.0", .vendor = 0x144d, .device = 0xa80a, .class = 0x010802,
		.group = 9, .driver = "vfio-pci", .native = "nvme", .override = "vfio-pci"},
	{.address = "0000:07:00.0", .vendor = 0x1b21, .device = 0x2142, .class = 0x0c0330,
		.driver = "xhci_hcd"},
	{.address = "0000:08:00.0", .vendor = 0x1e49, .device = 0x0071, .class = 0x010802,
		.group = 11, .native = "nvme"},
	{.address = "10000:e1:00.0", .vendor = 0x8086, .device = 0x0a54, .class = 0x010802,
		.group = 12, .driver = "nvme"},
};
/* clang-format on */

struct tree *tree_new_standard(void)
{
	struct tree *tree = tree_new();

	for (size_t i = 0; i < ARRAY_SIZE(standard); i++)
		tree_add_device(tree, &standard[i]);
	tree_add_net(tree, &(struct tree_net){.name = "eth0", .address = "0000:02:00.0"});
	tree_add_net(tree, &(struct tree_net){.name = "eth1",
				   .address = "0000:03:00.0",
				   .up = true,
				   .default_route = true});
	tree_add_disk(tree, &(struct tree_disk){.name = "nvme0n1", .address = "0000:04:00.0"});
	tree_add_disk(tree, &(struct tree_disk){.name = "nvme0n1p1",
				    .address = "0000:04:00.0",
				    .parent = "nvme0n1",
				    .mounted_on = "/"});
	return tree;
}
