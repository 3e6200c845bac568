/* SPDX-License-Identifier: MIT */
/* What the files look like, and the events. */
#include "tests/simhost/sim.h"
#include "tools/simhost/base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#define NIC "0000:00:03.0"
#define GPU "0000:02:00.0"

static const char host[] =
	"kernel 6.12.5\ncdev on\ncmdline intel_iommu=on quiet\ncpu intel 48\n"
	"node 0 0-23\nnode 1 24-47\n"
	"driver pcieport managed_dma builtin\ndriver vfio-pci vfio\ndriver virtio-pci\n"
	"device 0000:00:01.0 id=1b36:000c class=060400 driver=pcieport\n"
	"device 0000:01:00.0 id=10b5:8747 class=060400 driver=pcieport parent=0000:00:01.0\n"
	"device " NIC
	" id=1af4:1000 class=020000 driver=virtio-pci conventional irq=11 bars=32:io,4K subsystem=1af4:0001 revision=02\n"
	"device " GPU
	" id=10de:2204 class=030000 parent=0000:01:00.0 driver=vfio-pci numa=1 boot_vga link=\"16.0 GT/s PCIe x16\" reset=\"flr bus\" bars=16M,256M:p\n"
	"device 10000:80:00.0 id=144d:a80a class=010802 driver=nvme\n"
	"net mgmt0 device=" NIC " path=virtio0/net/mgmt0 up address address6 route\n"
	"disk nvme0n1 device=10000:80:00.0 size=64\n"
	"disk nvme0n1p1 on=nvme0n1 number=259:7 holders=dm-0,md1 fs=zfs_member\n"
	"disk dm-0 number=254:0 holders=dm-1\ndisk dm-1 number=254:1\n"
	"net bond0\nnet vlan10 lower=mgmt0,bond0\ndriver mlx5_vfio_pci vfio ids=15b3:1018\n"
	"mount dm-0 \"/srv/my disk\" xfs\nswapon nvme0n1p1\n";

static int setup(void **state)
{
	*state = sim_new(host);
	return 0;
}

static int teardown(void **state)
{
	model_free(*state);
	return 0;
}

static void attributes_read_as_the_kernels(void **state)
{
	static const struct {
		const char *path, *text;
	} rows[] = {
		{DEVICE GPU "/vendor", "0x10de"},
		{DEVICE GPU "/class", "0x030000"},
		{DEVICE GPU "/numa_node", "1"},
		{DEVICE GPU "/local_cpulist", "24-47"},
		{DEVICE GPU "/local_cpus", "ffff,ff000000"},
		{DEVICE NIC "/local_cpulist", "0-47"},
		{DEVICE NIC "/local_cpus", "ffff,ffffffff"},
		{DEVICE GPU "/boot_vga", "1"},
		{DEVICE GPU "/current_link_speed", "16.0 GT/s PCIe"},
		{DEVICE GPU "/current_link_width", "16"},
		{DEVICE GPU "/power_state", "D3hot"},
		{DEVICE GPU "/reset_method", "flr bus"},
		{DEVICE NIC "/boot_vga", "ENOENT"},
		{DEVICE NIC "/current_link_speed", "ENOENT"},
		{DEVICE NIC "/reset_method", "ENOENT"},
		{DEVICE NIC "/revision", "0x02"},
		{DEVICE NIC "/irq", "11"},
		{DEVICE NIC "/modalias", "pci:v00001AF4d00001000sv00001AF4sd00000001bc02sc00i00"},
		{DEVICE NIC "/uevent",
			"DRIVER=virtio-pci\nPCI_CLASS=20000\nPCI_ID=1AF4:1000\n"
			"PCI_SUBSYS_ID=1AF4:0001\nPCI_SLOT_NAME=" NIC
			"\nMODALIAS=pci:v00001AF4d00001000sv00001AF4sd00000001bc02sc00i00"},
		{DEVICE "0000:00:01.0/secondary_bus_number", "1"},
		{DEVICE "0000:00:01.0/subordinate_bus_number", "2"},
		{"proc/cmdline", "intel_iommu=on quiet"},
		{"proc/sys/kernel/osrelease", "6.12.5"},
		{"sys/kernel/iommu_groups/0/type", "DMA"},
		{"sys/class/net/mgmt0/flags", "0x1003"},
		{"sys/class/block/nvme0n1p1/dev", "259:7"},
		{"sys/class/vfio/3/dev", "243:0"},
		{"sys/class/vfio-dev/vfio0/dev", "511:0"},
		{"sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "N"},
		{"proc/1/comm", "systemd"},
		{"proc/sys/kernel/tainted", "0"},
		{"run/udev/data/b259:7", "E:ID_FS_TYPE=zfs_member"},
	};
	struct model *m = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(sim_read(m, rows[i].path), rows[i].text) != 0)
			fail_msg("%s: '%s'", rows[i].path, sim_read(m, rows[i].path));
	}
}

static void links_are_of_the_kernels_form(void **state)
{
	static const struct {
		const char *path, *target;
	} rows[] = {
		{DEVICE GPU, "../../../devices/pci0000:00/0000:00:01.0/0000:01:00.0/" GPU},
		{DEVICE "10000:80:00.0", "../../../devices/pci10000:80/10000:80:00.0"},
		{DEVICE GPU "/driver", "../../../../../bus/pci/drivers/vfio-pci"},
		{DEVICE GPU "/iommu_group", "../../../../../kernel/iommu_groups/3"},
		{DEVICE GPU "/subsystem", "../../../../../bus/pci"},
		{DEVICE GPU "/iommu", "../../../../virtual/iommu/dmar0"},
		{DEVICE GPU "/vfio-dev/vfio0/device", "../../../" GPU},
		{DRIVER "virtio-pci/" NIC, "../../../../devices/pci0000:00/" NIC},
		{DRIVER "virtio-pci/module", "../../../../module/virtio_pci"},
		{"sys/kernel/iommu_groups/3/devices/" GPU,
			"../../../../devices/pci0000:00/0000:00:01.0/0000:01:00.0/" GPU},
		{"sys/class/net/mgmt0", "../../devices/pci0000:00/" NIC "/virtio0/net/mgmt0"},
		{"sys/class/net/mgmt0/device", "../../../virtio0"},
		{"sys/class/net/lo", "../../devices/virtual/net/lo"},
		{"sys/class/block/nvme0n1",
			"../../devices/pci10000:80/10000:80:00.0/nvme/nvme0/nvme0n1"},
		{"sys/class/block/nvme0n1/device", "../../nvme0"},
		{"sys/class/block/nvme0n1p1/holders/dm-0",
			"../../../../../../../virtual/block/dm-0"},
		{"sys/class/block/dm-0/holders/dm-1", "../../dm-1"},
		{"sys/class/net/mgmt0/upper_vlan10", "../../../../../virtual/net/vlan10"},
		{"sys/class/net/vlan10/lower_bond0", "../bond0"},
		{"sys/class/vfio/3", "../../devices/virtual/vfio/3"},
		{"sys/class/iommu/dmar0", "../../devices/virtual/iommu/dmar0"},
		{"sys/module/vfio_pci/drivers/pci:vfio-pci", "../../../bus/pci/drivers/vfio-pci"},
		{"proc/self", "1"},
	};
	struct model *m = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(sim_readlink(m, rows[i].path), rows[i].target) != 0)
			fail_msg("%s -> '%s'", rows[i].path, sim_readlink(m, rows[i].path));
	}
	assert_false(sim_exists(m, DRIVER "pcieport/module")); /* built in */
}

static void folders_have_what_belongs_there(void **state)
{
	struct model *m = *state;

	assert_string_equal(
		sim_list(m, PCI), "devices drivers drivers_autoprobe drivers_probe rescan slots");
	assert_string_equal(sim_list(m, "sys/devices"), "pci0000:00 pci10000:80 virtual");
	assert_string_equal(sim_list(m, "sys/devices/pci0000:00"), "0000:00:01.0 " NIC);
	assert_string_equal(sim_list(m, "sys/devices/virtual"), "block iommu net vfio");
	assert_string_equal(sim_list(m, "dev/vfio"), "3 devices vfio");
	assert_string_equal(sim_list(m, "dev/vfio/devices"), "vfio0");
	assert_string_equal(sim_list(m, "sys/class"), "block iommu net vfio vfio-dev");
	assert_string_equal(sim_list(m, "sys/class/block"), "dm-0 dm-1 nvme0n1 nvme0n1p1");
	assert_string_equal(sim_list(m, DEVICE "10000:80:00.0/nvme/nvme0"), "nvme0n1");
	assert_string_equal(sim_list(m, "sys/class/block/nvme0n1"),
		"dev device holders nvme0n1p1 size subsystem uevent");
	assert_string_equal(sim_list(m, "sys/firmware/acpi/tables"), "DMAR");
	assert_false(sim_exists(m, DEVICE "0000:00:03.00"));
	assert_false(sim_exists(m, DEVICE "00:03.0"));
	assert_false(sim_exists(m, "sys/kernel/iommu_groups/03"));
	assert_false(sim_exists(m, "sys/devices/pci0000:00/" GPU));
}

static void nodes_are_devices(void **state)
{
	struct model *m = *state;
	struct view_attributes a;
	struct node node;

	assert_int_equal(sim_walk(m, "dev/vfio/3", &node), 0);
	view_stat(m, node, &a);
	assert_int_equal(a.mode, S_IFCHR | 0600);
	assert_true(a.rdev == makedev(243, 0));
	assert_int_equal(sim_walk(m, "dev/vfio/vfio", &node), 0);
	view_stat(m, node, &a);
	assert_true(a.rdev == makedev(10, 196));
	assert_int_equal(a.mode, S_IFCHR | 0666);
	assert_int_equal(sim_walk(m, "dev/vfio/devices/vfio0", &node), 0);
	view_stat(m, node, &a);
	assert_true(a.rdev == makedev(511, 0));
}

static void config_space_tells_the_ids(void **state)
{
	static const unsigned char gpu[] = {0xde, 0x10, 0x04, 0x22};
	struct model *m = *state;
	struct node node;
	char *text;
	size_t len;

	assert_int_equal(sim_walk(m, DEVICE GPU "/config", &node), 0);
	assert_int_equal(view_read(m, node, &text, &len), 0);
	assert_int_equal(len, 4096);
	assert_memory_equal(text, gpu, 4);
	assert_int_equal(text[0x0b], 3);
	assert_int_equal(text[0x40], 0x10);
	free(text);
	assert_int_equal(sim_walk(m, DEVICE NIC "/config", &node), 0);
	assert_int_equal(view_read(m, node, &text, &len), 0);
	assert_int_equal(len, 256);
	free(text);
	assert_int_equal(sim_walk(m, DEVICE "0000:00:01.0/config", &node), 0);
	assert_int_equal(view_read(m, node, &text, &len), 0);
	assert_int_equal(text[0x0e], 1);
	assert_int_equal(text[0x19], 1);
	assert_int_equal(text[0x1a], 2);
	free(text);
}

static void what_is_used_shows(void **state)
{
	struct model *m = *state;

	assert_non_null(strstr(sim_read(m, "proc/net/route"), "mgmt0\t00000000\t010200C0\t0003"));
	assert_non_null(strstr(sim_read(m, "proc/net/if_inet6"), "00 80    mgmt0"));
	assert_non_null(strstr(sim_read(m, "proc/1/mountinfo"),
		" 254:0 / /srv/my\\040disk rw,relatime - xfs /dev/dm-0 rw"));
	assert_non_null(strstr(sim_read(m, "proc/swaps"), "/dev/nvme0n1p1"));
	assert_null(strstr(sim_read(m, "proc/1/mountinfo"), "nvme0n1p1"));
	assert_int_equal(sim_control(m, "umount \"/srv/my disk\""), 0);
	assert_int_equal(sim_control(m, "swapoff nvme0n1p1"), 0);
	assert_int_equal(sim_control(m, "mount dm-0 /srv \"x y\""), 22); /* no name of a type */
	assert_null(strstr(sim_read(m, "proc/1/mountinfo"), "dm-0"));
	assert_int_equal(sim_control(m, "net mgmt0 no-route"), 0);
	assert_null(strstr(sim_read(m, "proc/net/route"), "00000000\t010200C0"));
	assert_int_equal(sim_control(m, "net mgmt0 master lo"), 0);
	assert_string_equal(sim_link(m, "sys/class/net/mgmt0/master"), "lo");
	assert_string_equal(sim_link(m, "sys/class/net/mgmt0/upper_lo"), "lo");
	assert_string_equal(sim_link(m, "sys/class/net/lo/lower_mgmt0"), "mgmt0");
	assert_int_equal(sim_control(m, "process 4194304 sh"), 0); /* the largest there is */
	assert_string_equal(sim_read(m, "proc/4194304/comm"), "sh");
	assert_non_null(strstr(sim_read(m, "proc/interrupts"), " IR-"));
	assert_non_null(strstr(sim_read(m, "proc/cpuinfo"), "GenuineIntel"));
	assert_non_null(strstr(sim_read(m, "proc/modules"), "vfio_pci "));
	assert_non_null(strstr(sim_read(m, "lib/modules/6.12.5/modules.alias"),
		"alias vfio_pci:v000015B3d00001018sv*sd*bc*sc*i* mlx5_vfio_pci\n"));
}

static void interfaces_come_and_go_with_their_driver(void **state)
{
	struct model *m = *state;

	assert_int_equal(sim_write(m, DEVICE NIC "/driver/unbind", NIC), 0);
	assert_false(sim_exists(m, "sys/class/net/mgmt0"));
	assert_false(sim_exists(m, DEVICE NIC "/virtio0"));
	assert_int_equal(sim_control(m, "net mgmt0 up"), 19);
	assert_int_equal(sim_write(m, PCI "drivers_probe", NIC), 0);
	assert_string_equal(sim_read(m, "sys/class/net/mgmt0/flags"), "0x1002"); /* a new one */
	assert_null(strstr(sim_read(m, "proc/net/route"), "mgmt0"));
	assert_int_equal(sim_bind_vfio(m, NIC), 0);
	assert_false(sim_exists(m, "sys/class/net/mgmt0"));
}

struct events {
	char text[8192];
	size_t len;
};

/* Keeps "action@path", and of a bind and an unbind its variables, too. */
static void take_event(void *arg, const char *event, size_t size)
{
	struct events *e = arg;
	size_t at = 0;

	assert_int_equal(event[size - 1], '\0');
	while (at < size) {
		const char *line = event + at;
		bool wanted = at == 0 || strncmp(line, "DRIVER=", 7) == 0 ||
			      strncmp(line, "DEVNAME=", 8) == 0;
		if (wanted)
			e->len += (size_t)snprintf(e->text + e->len, sizeof(e->text) - e->len,
				"%s%s", at ? " " : "\n", line);
		at += strlen(line) + 1;
	}
}

static void events_are_the_kernels(void **state)
{
	struct events e = {0};
	struct model *m = *state;

	model_listen(m, take_event, &e);
	assert_int_equal(sim_bind_vfio(m, NIC), 0);
	assert_int_equal(sim_write(m, DRIVER "vfio-pci/bind", "0000:00:01.0"), 19); /* none */
	assert_int_equal(sim_write(m, DRIVER "vfio-pci/unbind", NIC), 0);
	assert_int_equal(sim_write(m, DEVICE NIC "/remove", "1"), 0);
	model_listen(m, NULL, NULL);
	assert_string_equal(e.text,
		"\nremove@/devices/pci0000:00/" NIC
		"/virtio0/net/mgmt0\nunbind@/devices/pci0000:00/" NIC
		"\nadd@/devices/virtual/vfio/2 DEVNAME=vfio/2\nadd@/devices/pci0000:00/" NIC
		"/vfio-dev/vfio1 DEVNAME=vfio/devices/vfio1\nbind@/devices/pci0000:00/" NIC
		" DRIVER=vfio-pci\nremove@/devices/pci0000:00/" NIC
		"/vfio-dev/vfio1 DEVNAME=vfio/devices/vfio1\nremove@/devices/virtual/vfio/2 DEVNAME=vfio/2\nunbind@/devices/pci0000:00/" NIC
		"\nremove@/devices/pci0000:00/" NIC);
}

static void numbers_are_inodes(void **state)
{
	struct model *m = *state;
	struct node a, b;

	assert_int_equal(node_number(view_root), 1);
	assert_int_equal(sim_walk(m, DEVICE NIC "/vendor", &a), 0);
	b = node_from_number(node_number(a));
	assert_int_equal(node_number(a), node_number(b));
	assert_int_equal(a.object, b.object);
	/* A file that is written has another each time. */
	assert_int_equal(sim_walk(m, DRIVER "vfio-pci/unbind", &a), 0);
	assert_int_equal(sim_walk(m, DRIVER "vfio-pci/unbind", &b), 0);
	assert_int_not_equal(node_number(a), node_number(b));
	/* What no lookup gives is nothing. */
	b = node_from_number(~0ull);
	assert_int_equal(view_lookup(m, b, "vendor", &a), -2);
	assert_int_equal(view_write(m, b, "x", 1), -19);
}

int main(void)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROW(attributes_read_as_the_kernels),
		ROW(links_are_of_the_kernels_form),
		ROW(folders_have_what_belongs_there),
		ROW(nodes_are_devices),
		ROW(config_space_tells_the_ids),
		ROW(what_is_used_shows),
		ROW(interfaces_come_and_go_with_their_driver),
		ROW(events_are_the_kernels),
		ROW(numbers_are_inodes),
	};

	return cmocka_run_group_tests_name("simhost view", tests, NULL, NULL);
}
