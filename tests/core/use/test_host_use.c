/* SPDX-License-Identifier: MIT */
/* What the host itself uses. */
#include "core/base/util.h"
#include "core/pci/real.h"
#include "core/use/disk_use.h"
#include "core/use/net_use.h"
#include "tests/core/test.h"
#include "tests/support/tree.h"

#include <stdio.h>
#include <string.h>

static const char CARD[] = "0000:03:00.0";

struct ground {
	struct tree *tree;
	struct sysfs sysfs;
	struct core_problems problems;
};

static int setup(void **state)
{
	struct ground *g = calloc(1, sizeof(*g));

	g->tree = tree_new();
	tree_add_device(g->tree, &(struct tree_device){.address = "0000:00:1c.0",
					 .vendor = 0x8086,
					 .class = 0x060400,
					 .driver = "pcieport"});
	tree_add_device(g->tree,
		&(struct tree_device){.address = CARD, .behind = "0000:00:1c.0", .vendor = 0x8086});
	assert_int_equal(sysfs_open(&g->sysfs, tree_root(g->tree)), 0);
	*state = g;
	return 0;
}

static int teardown(void **state)
{
	struct ground *g = *state;

	core_problems_clear(&g->problems);
	sysfs_close(&g->sysfs);
	tree_free(g->tree);
	free(g);
	return 0;
}

/* Looks at the device afresh. Returns how many problems there are. */
static size_t check(struct ground *g, const char *text)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(usage_cleanup) struct usage *usage = NULL;
	struct pci_address address;

	core_problems_clear(&g->problems);
	assert_true(pci_address_parse(text, &address));
	assert_int_equal(usage_read(&g->sysfs, &usage, &err), 0);
	usage_check_disk(usage, address, &g->problems);
	usage_check_network(usage, address, &g->problems);
	return g->problems.count;
}

static void assert_free(struct ground *g)
{
	if (check(g, CARD) != 0)
		fail_msg("in use: %s", g->problems.items[0].message);
}

static void assert_used(struct ground *g, enum core_reason reason, const char *message)
{
	assert_int_equal(check(g, CARD), 1);
	assert_int_equal(g->problems.items[0].reason, reason);
	assert_string_equal(g->problems.items[0].message, message);
	assert_string_equal(g->problems.items[0].subject, CARD);
	assert_true(g->problems.items[0].action[0] != '\0');
}

static void an_interface_that_is_down_or_idle_is_free(void **state)
{
	struct ground *g = *state;

	tree_add_net(g->tree,
		&(struct tree_net){.name = "down", .address = CARD, .route = true, .scope6 = "00"});
	assert_free(g);
	tree_add_net(g->tree,
		&(struct tree_net){.name = "up", .address = CARD, .up = true, .scope6 = "20"});
	assert_free(g);
}

static void the_default_route_is_use(void **state)
{
	struct ground *g = *state;

	tree_add_net(g->tree,
		&(struct tree_net){
			.name = "eth0", .address = CARD, .up = true, .default_route = true});
	assert_used(g, REASON_NIC_IN_USE,
		"device 0000:03:00.0 carries network interface eth0, which has the default route");
}

static void an_address_is_use(void **state)
{
	struct ground *g = *state;

	tree_add_net(g->tree,
		&(struct tree_net){.name = "eth0", .address = CARD, .up = true, .route = true});
	assert_used(g, REASON_NIC_IN_USE,
		"device 0000:03:00.0 carries network interface eth0, which is up with an address");
}

static void a_global_ipv6_address_is_use(void **state)
{
	struct ground *g = *state;

	tree_add_net(g->tree,
		&(struct tree_net){.name = "eth0", .address = CARD, .up = true, .scope6 = "00"});
	assert_used(g, REASON_NIC_IN_USE,
		"device 0000:03:00.0 carries network interface eth0 (fe80::5054:ff:fe12:3456), which is up with an address");
}

static void another_interfaces_route_is_not_ours(void **state)
{
	struct ground *g = *state;

	tree_add_net(g->tree, &(struct tree_net){.name = "eth1", .address = CARD, .up = true});
	tree_add_net(g->tree,
		&(struct tree_net){
			.name = "eth10", .up = true, .default_route = true, .scope6 = "00"});
	assert_free(g);
}

static void what_is_stacked_upon_an_interface_is_use_even_when_down(void **state)
{
	struct ground *g = *state;

	tree_add_net(
		g->tree, &(struct tree_net){.name = "eth0", .address = CARD, .master = "bond0"});
	assert_used(g, REASON_NIC_IN_USE,
		"device 0000:03:00.0 carries network interface eth0, which is under bond0");
	tree_remove(g->tree, "sys/class/net/eth0");
	tree_add_net(
		g->tree, &(struct tree_net){.name = "eth1", .address = CARD, .upper = "eth1.42"});
	assert_used(g, REASON_NIC_IN_USE,
		"device 0000:03:00.0 carries network interface eth1, which is under eth1.42");
}

static void each_interface_in_use_is_a_problem(void **state)
{
	struct ground *g = *state;

	tree_add_net(g->tree,
		&(struct tree_net){.name = "p0", .address = CARD, .up = true, .route = true});
	tree_add_net(g->tree,
		&(struct tree_net){.name = "p1", .address = CARD, .up = true, .route = true});
	assert_int_equal(check(g, CARD), 2);
}

#define BELOW(path) "sys/bus/pci/devices/0000:03:00.0/" path

static void an_interface_of_another_namespace_is_use(void **state)
{
	static const char SENTENCE[] =
		"device 0000:03:00.0 carries a network interface in another network namespace, where vfiod cannot see what uses it";
	struct ground *g = *state;

	tree_write(g->tree, BELOW("net/eth0/flags"), "%s", "0x1002\n");
	tree_write(g->tree, BELOW("virtio0/power/control"), "%s", "auto\n");
	assert_free(g);
	tree_remove(g->tree, BELOW("net/eth0"));
	assert_used(g, REASON_NIC_IN_USE, SENTENCE);
	tree_remove(g->tree, BELOW("net"));
	assert_free(g);
	tree_write(g->tree, BELOW("usb1/1-1/1-1.2/1-1.2:1.0/net/x"), "%s", "");
	assert_free(g);
	tree_remove(g->tree, BELOW("usb1/1-1/1-1.2/1-1.2:1.0/net/x"));
	assert_used(g, REASON_NIC_IN_USE, SENTENCE);
}

/* The same folder of a disk means nothing. */
static void folders_without_end_are_not_searched_for_ever(void **state)
{
	struct ground *g = *state;
	char path[512] = BELOW("a");

	tree_write(g->tree, BELOW("ata1/block/sda/net/x"), "%s", "");
	tree_remove(g->tree, BELOW("ata1/block/sda/net/x"));
	assert_free(g);
	for (int i = 0; i < 40; i++)
		strcat(path, "/a");
	tree_write(g->tree, path, "%s", "");
	assert_used(g, REASON_NIC_IN_USE,
		"whether device 0000:03:00.0 carries a network interface in use could not be found out: Argument list too long");
}

static void a_disk_nobody_mounted_is_free(void **state)
{
	struct ground *g = *state;

	tree_add_disk(g->tree, &(struct tree_disk){.name = "sda", .address = CARD});
	tree_add_disk(
		g->tree, &(struct tree_disk){.name = "sda1", .address = CARD, .parent = "sda"});
	tree_add_disk(g->tree, &(struct tree_disk){.name = "sdb", .mounted_on = "/"});
	assert_free(g);
}

static void a_mounted_disk_is_use(void **state)
{
	struct ground *g = *state;

	tree_add_disk(
		g->tree, &(struct tree_disk){.name = "sda", .address = CARD, .mounted_on = "/srv"});
	assert_used(g, REASON_DISK_IN_USE,
		"device 0000:03:00.0 carries disk sda, which is mounted on /srv");
}

static void a_mounted_partition_is_use_and_its_path_is_readable(void **state)
{
	struct ground *g = *state;

	tree_add_disk(g->tree, &(struct tree_disk){.name = "sda", .address = CARD});
	tree_add_disk(g->tree, &(struct tree_disk){.name = "sda1",
				       .address = CARD,
				       .parent = "sda",
				       .mounted_on = "/mnt/my\\040disk\\134x"});
	assert_used(g, REASON_DISK_IN_USE,
		"device 0000:03:00.0 carries disk sda1, which is mounted on /mnt/my disk\\x");
}

static void a_bind_mount_of_a_subfolder_is_use(void **state)
{
	struct ground *g = *state;

	tree_add_disk(
		g->tree, &(struct tree_disk){.name = "sda", .address = CARD, .number = "8:0"});
	tree_append(g->tree, "proc/1/mountinfo", "%s",
		"36 35 8:0 /sub /mnt rw,noatime master:1 shared:7 - ext3 /dev/root rw\n");
	assert_used(g, REASON_DISK_IN_USE,
		"device 0000:03:00.0 carries disk sda, which is mounted on /mnt");
}

static void swap_is_use(void **state)
{
	struct ground *g = *state;

	tree_add_disk(g->tree, &(struct tree_disk){.name = "sda", .address = CARD, .swap = true});
	assert_used(
		g, REASON_DISK_IN_USE, "device 0000:03:00.0 carries disk sda, which is swapped on");
}

static void btrfs_is_found_by_its_source(void **state)
{
	struct ground *g = *state;

	tree_add_disk(g->tree, &(struct tree_disk){.name = "sda", .address = CARD});
	tree_append(g->tree, "proc/1/mountinfo", "%s",
		"40 1 0:44 /@ /data rw - btrfs /dev/sda rw,subvol=/@\n");
	assert_used(g, REASON_DISK_IN_USE,
		"device 0000:03:00.0 carries disk sda, which is mounted on /data");
}

static void holders_are_followed_to_what_is_mounted(void **state)
{
	struct ground *g = *state;

	tree_add_disk(
		g->tree, &(struct tree_disk){.name = "dm-0", .number = "253:0", .mounted_on = "/"});
	tree_add_disk(g->tree, &(struct tree_disk){.name = "md0", .holder = "dm-0"});
	tree_add_disk(g->tree, &(struct tree_disk){.name = "sda", .address = CARD});
	tree_add_disk(g->tree,
		&(struct tree_disk){
			.name = "sda1", .address = CARD, .parent = "sda", .holder = "md0"});
	assert_used(g, REASON_DISK_IN_USE,
		"device 0000:03:00.0 carries disk sda1, which is part of md0 (part of dm-0 (mounted on /))");
}

static void a_holder_alone_is_use(void **state)
{
	struct ground *g = *state;

	tree_add_disk(g->tree, &(struct tree_disk){.name = "md0"});
	tree_add_disk(
		g->tree, &(struct tree_disk){.name = "sda", .address = CARD, .holder = "md0"});
	assert_used(g, REASON_DISK_IN_USE,
		"device 0000:03:00.0 carries disk sda, which is part of md0 (in use)");
}

static void a_default_route_of_ipv6_is_use(void **state)
{
	struct ground *g = *state;

	tree_add_net(g->tree, &(struct tree_net){.name = "eth0", .address = CARD, .up = true});
	tree_write(g->tree, "proc/net/ipv6_route", "%s",
		"fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0\n"
		"00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n");
	assert_int_equal(check(g, CARD), 0);
	tree_append(g->tree, "proc/net/ipv6_route", "%s",
		"00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n");
	assert_used(g, REASON_NIC_IN_USE,
		"device 0000:03:00.0 carries network interface eth0, which has the default route of IPv6");
}

static void a_disk_below_a_loop_device_is_in_use(void **state)
{
	struct ground *g = *state;

	tree_add_disk(g->tree, &(struct tree_disk){.name = "sda", .address = CARD});
	tree_add_disk(g->tree, &(struct tree_disk){.name = "loop0"});
	tree_write(g->tree, "sys/class/block/loop0/loop/backing_file", "/srv/image\n");
	tree_add_disk(g->tree,
		&(struct tree_disk){.name = "loop1", .number = "7:1", .mounted_on = "/mnt"});
	assert_int_equal(check(g, CARD), 0);
	tree_write(g->tree, "sys/class/block/loop1/loop/backing_file", "/dev/sda\n");
	assert_used(g, REASON_DISK_IN_USE,
		"device 0000:03:00.0 carries disk sda, which is part of loop1 (mounted on /mnt)");
}

/* Who cannot look must not say that nobody is there. */
static void what_cannot_be_read_is_an_error(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct ground *g = *state;
	struct usage *usage;

	tree_remove(g->tree, "proc/swaps");
	tree_mkdir(g->tree, "proc/swaps");
	assert_int_equal(usage_read(&g->sysfs, &usage, &err), -1);
	assert_non_null(strstr(err.message, "/proc/swaps"));
	tree_remove(g->tree, "proc/swaps");
	core_error_clear(&err);
	tree_remove(g->tree, "sys/class/net");
	tree_write(g->tree, "sys/class/net", "no folder\n");
	assert_int_equal(usage_read(&g->sysfs, &usage, &err), -1);
}

static void holders_in_a_circle_end(void **state)
{
	struct ground *g = *state;

	tree_add_disk(
		g->tree, &(struct tree_disk){.name = "sda", .address = CARD, .holder = "dm-0"});
	tree_add_disk(g->tree, &(struct tree_disk){.name = "dm-0", .holder = "dm-1"});
	tree_add_disk(g->tree, &(struct tree_disk){.name = "dm-1", .holder = "dm-0"});
	assert_int_equal(check(g, CARD), 1);
}

/* With native multipath the namespace hangs on the subsystem and not on the device: the path of
 * nvme0n1 names no PCI function, and only the subsystem's links lead to its controllers. */
static void a_multipath_nvme_namespace_is_found_by_its_controller(void **state)
{
	static const char SUBSYSTEM[] = "sys/devices/virtual/nvme-subsystem/nvme-subsys0";
	struct ground *g = *state;
	char path[128];

	tree_mkdir(g->tree, "sys/devices/pci0000:00/0000:00:1c.0/0000:03:00.0/nvme/nvme0");
	snprintf(path, sizeof(path), "%s/nvme0", SUBSYSTEM);
	tree_link(g->tree, path, "sys/devices/pci0000:00/0000:00:1c.0/0000:03:00.0/nvme/nvme0");
	snprintf(path, sizeof(path), "%s/nvme0n1/dev", SUBSYSTEM);
	tree_write(g->tree, path, "259:0\n");
	snprintf(path, sizeof(path), "%s/nvme0n1", SUBSYSTEM);
	tree_link(g->tree, "sys/class/block/nvme0n1", path);
	assert_free(g);
	tree_append(
		g->tree, "proc/1/mountinfo", "%s", "40 1 259:0 / / rw - ext4 /dev/nvme0n1 rw\n");
	assert_used(g, REASON_DISK_IN_USE,
		"device 0000:03:00.0 carries disk nvme0n1, which is mounted on /");
}

/* The controller that others hang behind (Intel VMD is no bridge by its class) takes them along. */
static void what_is_behind_a_device_is_carried_by_it(void **state)
{
	struct ground *g = *state;

	tree_add_device(g->tree, &(struct tree_device){.address = "0000:00:0e.0",
					 .vendor = 0x8086,
					 .class = 0x010400,
					 .driver = "vmd"});
	tree_add_device(g->tree, &(struct tree_device){.address = "10000:e1:00.0",
					 .behind = "0000:00:0e.0",
					 .class = 0x010802,
					 .driver = "nvme"});
	tree_add_disk(
		g->tree, &(struct tree_disk){
				 .name = "nvme1n1", .address = "10000:e1:00.0", .mounted_on = "/"});
	assert_int_equal(check(g, "10000:e1:00.0"), 1);
	assert_int_equal(check(g, "0000:00:0e.0"), 1);
	assert_free(g);
}

static void a_host_that_has_none_of_the_files_uses_nothing(void **state)
{
	struct ground *g = *state;

	tree_add_disk(g->tree, &(struct tree_disk){.name = "sda", .address = CARD});
	tree_add_net(g->tree, &(struct tree_net){.name = "eth0", .address = CARD, .up = true});
	tree_remove(g->tree, "proc");
	assert_free(g);
	tree_remove(g->tree, "sys/class");
	assert_free(g);
}

static void hostile_files_are_survived(void **state)
{
	struct ground *g = *state;

	tree_add_disk(g->tree, &(struct tree_disk){.name = "sda", .address = CARD});
	tree_add_net(g->tree, &(struct tree_net){.name = "eth0", .address = CARD, .up = true});
	tree_write(g->tree, "proc/1/mountinfo", " - \n - -\n\n%0*d - x\n1 2 3:4 / \\04", 9000, 1);
	tree_write(g->tree, "proc/swaps", "%0*d\n/dev/\n/dev/sd", 9000, 1);
	tree_write(g->tree, "proc/net/route", "eth0\neth0 x\n\t\t\n%0*d", 9000, 1);
	tree_write(g->tree, "proc/net/if_inet6", "0 0 0\neth0 eth0 eth0\n%0*d", 9000, 1);
	tree_write(g->tree, "sys/class/net/eth0/flags", "%s", "0x\n");
	assert_free(g);
}

static void a_pppoe_session_is_use(void **state)
{
	struct ground *g = *state;

	tree_add_net(g->tree, &(struct tree_net){.name = "eth0", .address = CARD, .up = true});
	tree_write(g->tree, "proc/net/pppoe", "%s",
		"Id       Address              Device\n00000007 52:54:00:00:00:01     eth01\n");
	assert_free(g);
	tree_append(g->tree, "proc/net/pppoe", "%s", "00000008 52:54:00:00:00:01     eth0\n");
	assert_used(g, REASON_NIC_IN_USE,
		"device 0000:03:00.0 carries network interface eth0, which carries a PPPoE session");
}

/* Also while it is down: the socket stays bound to it. */
static void a_packet_socket_is_use(void **state)
{
	struct ground *g = *state;

	tree_add_net(g->tree, &(struct tree_net){.name = "eth0", .address = CARD});
	tree_write(g->tree, "sys/class/net/eth0/ifindex", "2\n");
	tree_write(g->tree, "proc/net/packet", "%s",
		"sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n"
		"0000000000000000 3      3    0003   0     1 0      0      2222\n"
		"0000000000000000 3      3    0003   22    1 0      0      2223\n");
	assert_free(g);
	tree_append(g->tree, "proc/net/packet", "%s",
		"00000000f00d0000 3      10   88cc   2     1 0      0      2224\n");
	assert_used(g, REASON_NIC_IN_USE,
		"device 0000:03:00.0 carries network interface eth0, which a program reads through a packet socket");
}

/* A disk far away: its controller names a port of this card. */
static void a_disk_over_fibre_channel_is_the_adapters(void **state)
{
	static const char DISK[] = "sys/devices/virtual/nvme-fabrics/ctl/nvme8/nvme8n1";
	struct ground *g = *state;

	tree_write(g->tree, "sys/bus/pci/devices/0000:03:00.0/host7/fc_host/host7/port_name",
		"0x10000090fa942779\n");
	tree_link(g->tree, "sys/class/fc_host/host7",
		"sys/bus/pci/devices/0000:03:00.0/host7/fc_host/host7");
	tree_write(g->tree, "sys/devices/virtual/nvme-fabrics/ctl/nvme8/nvme8n1/dev", "259:8\n");
	tree_link(g->tree, "sys/class/block/nvme8n1", DISK);
	tree_link(g->tree, "sys/class/nvme/nvme8", "sys/devices/virtual/nvme-fabrics/ctl/nvme8");
	tree_append(
		g->tree, "proc/1/mountinfo", "%s", "30 1 259:8 / /srv rw - ext4 /dev/nvme8n1 rw\n");
	assert_free(g);
	tree_write(g->tree, "sys/devices/virtual/nvme-fabrics/ctl/nvme8/address", "%s",
		"traddr=nn-0x1:pn-0x10000090fa942779,host_traddr=nn-0x2:pn-0x10000090fa94277a\n");
	assert_free(g);
	tree_write(g->tree, "sys/devices/virtual/nvme-fabrics/ctl/nvme8/address", "%s",
		"traddr=nn-0x1:pn-0x2,host_traddr=nn-0x20000090fa942779:pn-0x10000090fa942779\n");
	assert_used(g, REASON_DISK_IN_USE,
		"device 0000:03:00.0 carries disk nvme8n1 over Fibre Channel, which is mounted on /srv");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_interface_that_is_down_or_idle_is_free),
		TEST(the_default_route_is_use),
		TEST(an_address_is_use),
		TEST(a_global_ipv6_address_is_use),
		TEST(another_interfaces_route_is_not_ours),
		TEST(what_is_stacked_upon_an_interface_is_use_even_when_down),
		TEST(each_interface_in_use_is_a_problem),
		TEST(an_interface_of_another_namespace_is_use),
		TEST(folders_without_end_are_not_searched_for_ever),
		TEST(a_disk_nobody_mounted_is_free),
		TEST(a_mounted_disk_is_use),
		TEST(a_mounted_partition_is_use_and_its_path_is_readable),
		TEST(a_bind_mount_of_a_subfolder_is_use),
		TEST(swap_is_use),
		TEST(btrfs_is_found_by_its_source),
		TEST(holders_are_followed_to_what_is_mounted),
		TEST(a_holder_alone_is_use),
		TEST(a_default_route_of_ipv6_is_use),
		TEST(a_disk_below_a_loop_device_is_in_use),
		TEST(what_cannot_be_read_is_an_error),
		TEST(holders_in_a_circle_end),
		TEST(a_multipath_nvme_namespace_is_found_by_its_controller),
		TEST(what_is_behind_a_device_is_carried_by_it),
		TEST(a_host_that_has_none_of_the_files_uses_nothing),
		TEST(hostile_files_are_survived),
		TEST(a_pppoe_session_is_use),
		TEST(a_packet_socket_is_use),
		TEST(a_disk_over_fibre_channel_is_the_adapters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
