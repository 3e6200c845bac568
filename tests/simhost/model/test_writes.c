/* SPDX-License-Identifier: MIT */
/* What writes do, row by row as it was measured on real kernels. */
#include "tests/simhost/sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NIC "0000:00:03.0"
#define NIC2 "0000:00:04.0"
#define GPU "0000:01:00.0"
#define SOUND "0000:01:00.1"
#define PORT "0000:00:1c.0"
#define QAT "0000:00:05.0"
#define LONER "0000:00:06.0" /* without a group */
#define EDU "0000:00:07.0"   /* without a driver */
#define PF "0000:02:00.0"

static const char host[] =
	"kernel 6.1.0\n"
	"driver pcieport managed_dma builtin\n"
	"driver e1000e ids=8086:10d3\n"
	"driver nvidia ids=10de:2204\n"
	"driver nouveau ids=10de:*\n"
	"driver snd_hda_intel ids=10de:1aef\n"
	"driver igb ids=8086:10c9,8086:10ca sriov\n"
	"driver c6xx ids=8086:37c8\n"
	"driver vfio-pci vfio\n"
	"driver mlx5_vfio_pci vfio ids=15b3:*\n"
	"driver pci-stub managed_dma unloaded\n"
	"device " PORT " id=8086:a338 class=060400 driver=pcieport\n"
	"device " NIC " id=8086:10d3 class=020000 subsystem=8086:0000 driver=e1000e reset=\"pm\"\n"
	"device " NIC2 " id=8086:10d3 class=020000 driver=e1000e\n"
	"device " QAT " id=8086:37c8 class=0b4000\n"
	"device " LONER " id=8086:10d3 class=020000 group=none\n"
	"device " EDU " id=1234:11e8 class=00ff00\n"
	"device " GPU " id=10de:2204 class=030000 group=9 parent=" PORT "\n"
	"device " SOUND " id=10de:1aef class=040300 group=9 parent=" PORT "\n"
	"device " PF " id=8086:10c9 class=020000 driver=igb reset=flr\n"
	"vfs " PF " total=4 device=10ca offset=128 stride=2\n"
	"net eth1 device=" NIC " up address\n";

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

static void expect_driver(struct model *m, const char *address, const char *driver)
{
	char path[128];

	snprintf(path, sizeof(path), DEVICE "%s/driver", address);
	assert_string_equal(sim_link(m, path), driver);
	if (!*driver)
		return;
	/* The driver's folder agrees. */
	snprintf(path, sizeof(path), DRIVER "%s/%s/vendor", driver, address);
	assert_true(sim_exists(m, path));
}

static void override_texts(void **state)
{
	static const struct {
		const char *write, *read;
	} rows[] = {{"vfio-pci", "vfio-pci"}, {"\n", "(null)"}, {"foo\nbar", "foo"}, {" x ", " x "},
		{"(null)", "(null)"}, {"\n\n", "(null)"}, {"\nfoo", "(null)"}, {"a b\n", "a b"}};
	struct model *m = *state;

	assert_string_equal(sim_read(m, DEVICE NIC "/driver_override"), "(null)");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(sim_write(m, DEVICE NIC "/driver_override", rows[i].write), 0);
		assert_string_equal(sim_read(m, DEVICE NIC "/driver_override"), rows[i].read);
	}
	assert_int_equal(sim_write_bytes(m, DEVICE NIC "/driver_override", "a\0b", 3), 0);
	assert_string_equal(sim_read(m, DEVICE NIC "/driver_override"), "a");
	assert_int_equal(sim_write_bytes(m, DEVICE NIC "/driver_override", "\0", 1), 0);
	assert_string_equal(sim_read(m, DEVICE NIC "/driver_override"), "(null)");
}

static void override_length(void **state)
{
	struct model *m = *state;
	char text[6000];

	memset(text, 'x', sizeof(text));
	assert_int_equal(sim_write_bytes(m, DEVICE NIC "/driver_override", text, 4094), 0);
	assert_int_equal(strlen(sim_read(m, DEVICE NIC "/driver_override")), 4094);
	assert_int_equal(sim_write_bytes(m, DEVICE NIC "/driver_override", text, 4095), EINVAL);
	assert_int_equal(sim_write_bytes(m, DEVICE NIC "/driver_override", text, 4096), EINVAL);
	assert_int_equal(sim_write_bytes(m, DEVICE NIC "/driver_override", text, 6000), EINVAL);
	assert_int_equal(strlen(sim_read(m, DEVICE NIC "/driver_override")), 4094);
}

static void an_unknown_drivers_override_keeps_all_away(void **state)
{
	struct model *m = *state;

	assert_int_equal(sim_write(m, DEVICE NIC "/driver_override", "nosuch"), 0);
	expect_driver(m, NIC, "e1000e"); /* what is bound stays */
	assert_int_equal(sim_write(m, DEVICE NIC "/driver/unbind", NIC), 0);
	assert_int_equal(sim_write(m, DRIVER "e1000e/bind", NIC), ENODEV);
	assert_int_equal(sim_write(m, PCI "drivers_probe", NIC), 0);
	expect_driver(m, NIC, "");
}

static void spaces_match_nothing(void **state)
{
	struct model *m = *state;

	assert_int_equal(sim_write(m, DEVICE NIC "/driver/unbind", NIC), 0);
	assert_int_equal(sim_write(m, DEVICE NIC "/driver_override", " e1000e"), 0);
	assert_int_equal(sim_write(m, DRIVER "e1000e/bind", NIC), ENODEV);
	assert_int_equal(sim_write(m, DEVICE NIC "/driver_override", "e1000e "), 0);
	assert_int_equal(sim_write(m, DRIVER "e1000e/bind", NIC), ENODEV);
	assert_int_equal(sim_write(m, DEVICE NIC "/driver_override", "e1000e"), 0);
	assert_int_equal(sim_write(m, DRIVER "e1000e/bind", NIC), 0);
}

static void clearing_while_bound_keeps_the_driver(void **state)
{
	struct model *m = *state;

	assert_int_equal(sim_bind_vfio(m, NIC), 0);
	assert_int_equal(sim_write(m, DEVICE NIC "/driver_override", "\n"), 0);
	expect_driver(m, NIC, "vfio-pci");
}

static void unbind_errors(void **state)
{
	static const char *const bad[] = {"0000:00:03.0 ", "0000:00:03.0\n\n", "00:03.0", "\n",
		"0000:00:99.0", "0000:00:03.0x", "../0000:00:03.0", "0000:00:1F.0"};
	struct model *m = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(sim_write(m, DRIVER "e1000e/unbind", bad[i]), ENODEV);
	assert_int_equal(sim_write(m, DRIVER "nvidia/unbind", NIC), ENODEV);
	expect_driver(m, NIC, "e1000e");
	assert_int_equal(sim_write(m, DRIVER "e1000e/unbind", NIC "\n"), 0);
	expect_driver(m, NIC, "");
	assert_int_equal(sim_write(m, DRIVER "e1000e/unbind", NIC), ENODEV);
	assert_int_equal(sim_write(m, DEVICE NIC "/driver/unbind", NIC), ENOENT);
}

static void bind_errors(void **state)
{
	struct model *m = *state;

	assert_int_equal(sim_write(m, DRIVER "e1000e/bind", NIC), EBUSY);  /* bound to it */
	assert_int_equal(sim_write(m, DRIVER "nvidia/bind", NIC), ENODEV); /* no match */
	assert_int_equal(sim_write(m, DRIVER "e1000e/bind", "0000:00:99.0"), ENODEV);
	assert_int_equal(sim_write(m, DRIVER "e1000e/bind", "00:03.0"), ENODEV);
	assert_int_equal(sim_write(m, DRIVER "e1000e/bind", NIC " "), ENODEV);
	assert_int_equal(sim_write(m, DRIVER "vfio-pci/bind", EDU), ENODEV); /* no override */
	/* Bound elsewhere, but a match now: busy. */
	assert_int_equal(sim_write(m, DEVICE NIC "/driver_override", "vfio-pci"), 0);
	assert_int_equal(sim_write(m, DRIVER "vfio-pci/bind", NIC), EBUSY);
	assert_int_equal(sim_write(m, DRIVER "nosuch/bind", NIC), ENOENT);
	assert_int_equal(sim_write(m, DRIVER "pci-stub/bind", NIC), ENOENT); /* not loaded */
}

static void vfio_refuses(void **state)
{
	struct model *m = *state;

	assert_int_equal(sim_bind_vfio(m, PORT), EINVAL);  /* bridge header */
	assert_int_equal(sim_bind_vfio(m, QAT), EINVAL);   /* the kernel's denylist */
	assert_int_equal(sim_bind_vfio(m, LONER), EINVAL); /* no IOMMU */
	expect_driver(m, QAT, "");
	assert_string_equal(sim_list(m, "sys/kernel/iommu_groups"), "10 11 12 13 14 15 9");
	assert_int_equal(sim_write(m, "sys/module/vfio_pci/parameters/disable_denylist", "Y"), 0);
	assert_int_equal(sim_bind_vfio(m, QAT), 0);
}

static void noiommu_makes_a_group(void **state)
{
	struct model *m = *state;

	assert_int_equal(
		sim_write(m, "sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "1"), 0);
	assert_int_equal(sim_bind_vfio(m, LONER), 0);
	assert_string_equal(sim_link(m, DEVICE LONER "/iommu_group"), "16");
	assert_true(sim_exists(m, "dev/vfio/noiommu-16"));
	assert_string_equal(sim_read(m, "proc/sys/kernel/tainted"), "64");
	assert_false(sim_exists(m, "dev/vfio/16"));
	assert_int_equal(sim_write(m, DEVICE LONER "/driver/unbind", LONER), 0);
	assert_string_equal(sim_link(m, DEVICE LONER "/iommu_group"), "");
	assert_false(sim_exists(m, "dev/vfio/noiommu-16"));
}

static void probe_errors_are_binds_errno(void **state)
{
	struct model *m = *state;

	assert_int_equal(sim_control(m, "probe-fail vfio-pci " NIC " ENOMEM"), 0);
	assert_int_equal(sim_bind_vfio(m, NIC), ENOMEM);
	expect_driver(m, NIC, "");
	assert_int_equal(sim_write(m, PCI "drivers_probe", NIC), 0); /* says nothing of it */
	expect_driver(m, NIC, "");
	assert_int_equal(sim_control(m, "probe-ok vfio-pci " NIC), 0);
	assert_int_equal(sim_control(m, "probe-fail vfio-pci * 517"), 0);
	assert_int_equal(sim_write(m, DRIVER "vfio-pci/bind", NIC), EAGAIN); /* deferred */
	assert_int_equal(sim_control(m, "probe-ok vfio-pci *"), 0);
	assert_int_equal(sim_write(m, DRIVER "vfio-pci/bind", NIC), 0);
}

static void drivers_probe_answers(void **state)
{
	struct model *m = *state;

	assert_int_equal(sim_write(m, PCI "drivers_probe", "0000:00:99.0"), ENODEV);
	assert_int_equal(sim_write(m, PCI "drivers_probe", "00:03.0"), ENODEV);
	assert_int_equal(sim_write(m, PCI "drivers_probe", NIC), 0);	  /* bound already */
	assert_int_equal(sim_write(m, PCI "drivers_probe", EDU "\n"), 0); /* nothing matches */
	expect_driver(m, EDU, "");
	assert_int_equal(sim_write(m, DEVICE NIC "/driver/unbind", NIC), 0);
	assert_int_equal(sim_write(m, PCI "drivers_probe", NIC), 0);
	expect_driver(m, NIC, "e1000e");
	/* The first driver whose probe works gets the device. */
	assert_int_equal(sim_write(m, DEVICE GPU "/driver/unbind", GPU), 0);
	assert_int_equal(sim_control(m, "probe-fail nvidia " GPU " EIO"), 0);
	assert_int_equal(sim_write(m, PCI "drivers_probe", GPU), 0);
	expect_driver(m, GPU, "nouveau");
}

static void new_id_takes_all_that_match(void **state)
{
	struct model *m = *state;

	assert_int_equal(sim_write(m, DRIVER "vfio-pci/new_id", "8086"), EINVAL);
	assert_int_equal(sim_write(m, DRIVER "vfio-pci/new_id", "x y"), EINVAL);
	assert_int_equal(sim_write(m, DEVICE NIC "/driver/unbind", NIC), 0);
	assert_int_equal(sim_write(m, DEVICE NIC2 "/driver/unbind", NIC2), 0);
	assert_int_equal(sim_write(m, DRIVER "vfio-pci/new_id", "8086 10d3"), 0);
	expect_driver(m, NIC, "vfio-pci");
	expect_driver(m, NIC2, "vfio-pci");
	assert_int_equal(sim_write(m, DRIVER "vfio-pci/new_id", "8086 10d3"), EEXIST);
	assert_int_equal(sim_write(m, DRIVER "e1000e/new_id", "8086 10d3"), EEXIST);
	assert_int_equal(sim_write(m, DRIVER "vfio-pci/remove_id", "8086 10d3"), 0);
	expect_driver(m, NIC, "vfio-pci"); /* removing the id unbinds nothing */
	assert_int_equal(sim_write(m, DRIVER "vfio-pci/remove_id", "8086 10d3"), ENODEV);
	assert_int_equal(sim_write(m, DRIVER "e1000e/remove_id", "8086 10d3"), ENODEV); /* static */
	assert_int_equal(sim_write(m, DRIVER "vfio-pci/remove_id", "8086"), EINVAL);
}

static void numvfs_answers(void **state)
{
	struct model *m = *state;
	static const char numvfs[] = DEVICE PF "/sriov_numvfs";

	assert_string_equal(sim_read(m, DEVICE PF "/sriov_totalvfs"), "4");
	assert_int_equal(sim_write(m, numvfs, "5"), ERANGE);
	assert_int_equal(sim_write(m, numvfs, "65535"), ERANGE);
	assert_int_equal(sim_write(m, numvfs, "65536"), EINVAL);
	assert_int_equal(sim_write(m, numvfs, "-1"), EINVAL);
	assert_int_equal(sim_write(m, numvfs, "2x"), EINVAL);
	assert_int_equal(sim_write(m, numvfs, "2"), 0);
	assert_string_equal(sim_read(m, numvfs), "2");
	assert_string_equal(sim_readlink(m, DEVICE PF "/virtfn1"), "../0000:02:10.2");
	assert_string_equal(sim_readlink(m, DEVICE "0000:02:10.2/physfn"), "../" PF);
	assert_string_equal(sim_read(m, DEVICE "0000:02:10.0/device"), "0x10ca");
	expect_driver(m, "0000:02:10.0", "igb");
	assert_int_equal(sim_write(m, numvfs, "3"), EBUSY);
	assert_int_equal(sim_write(m, numvfs, "2"), 0);
	assert_int_equal(sim_write(m, numvfs, "0"), 0);
	assert_false(sim_exists(m, DEVICE "0000:02:10.0"));
	assert_int_equal(sim_write(m, DEVICE PF "/driver/unbind", PF), 0);
	assert_int_equal(sim_write(m, numvfs, "1"), ENOENT); /* without a driver */
	assert_false(sim_exists(m, DEVICE NIC "/sriov_numvfs"));
}

/* A host file's mistake. What has the address keeps it, whichever came first. */
static void one_address_has_one_device(void **state)
{
	struct model *m = sim_new("driver igb sriov\n"
				  "device 0000:02:00.0 id=8086:10c9 class=020000 driver=igb\n"
				  "vfs 0000:02:00.0 total=2\n"
				  "device 0000:02:00.2 id=8086:10d3 class=020000\n");
	static const char numvfs[] = DEVICE "0000:02:00.0/sriov_numvfs";

	(void)state;
	assert_int_equal(sim_write(m, numvfs, "2"), 0);
	assert_string_equal(sim_list(m, DEVICE), "0000:02:00.0 0000:02:00.1 0000:02:00.2");
	assert_string_equal(sim_read(m, DEVICE "0000:02:00.2/device"), "0x10d3");
	assert_int_equal(sim_write(m, numvfs, "0"), 0);
	assert_int_equal(sim_control(m, "vanish 0000:02:00.2"), 0);
	assert_int_equal(sim_write(m, numvfs, "2"), 0);
	assert_string_equal(sim_read(m, DEVICE "0000:02:00.2/class"), "0x020000");
	assert_int_equal(sim_control(m, "appear 0000:02:00.2"), EEXIST);
	assert_int_equal(sim_write(m, PCI "rescan", "1"), 0);
	assert_string_equal(sim_list(m, DEVICE), "0000:02:00.0 0000:02:00.1 0000:02:00.2");
	model_free(m);
}

static void a_physical_function_is_trapped_without_its_driver(void **state)
{
	struct model *m = *state;

	assert_int_equal(sim_write(m, DEVICE PF "/sriov_numvfs", "2"), 0);
	assert_int_equal(sim_bind_vfio(m, PF), EBUSY);
	assert_int_equal(sim_write(m, DEVICE PF "/sriov_numvfs", "0"), ENOENT);
	assert_true(sim_exists(m, DEVICE "0000:02:10.0"));
	assert_int_equal(sim_write(m, DEVICE PF "/driver_override", "\n"), 0);
	assert_int_equal(sim_write(m, DRIVER "igb/bind", PF), 0);
	assert_int_equal(sim_write(m, DEVICE PF "/sriov_numvfs", "0"), 0);
	/* On vfio-pci, the module decides. */
	assert_int_equal(sim_bind_vfio(m, PF), 0);
	assert_int_equal(sim_write(m, DEVICE PF "/sriov_numvfs", "1"), ENOENT);
	assert_int_equal(sim_control(m, "set vfio_pci enable_sriov Y"), 0);
	assert_int_equal(sim_write(m, DEVICE PF "/sriov_numvfs", "1"), 0);
	assert_string_equal(sim_read(m, DEVICE "0000:02:10.0/driver_override"), "vfio-pci");
	expect_driver(m, "0000:02:10.0", "vfio-pci");
	assert_int_equal(sim_write(m, DEVICE PF "/driver/unbind", PF), 0);
	assert_false(sim_exists(m, DEVICE "0000:02:10.0"));
}

static void autoprobe_off_leaves_functions_alone(void **state)
{
	struct model *m = *state;

	assert_int_equal(sim_write(m, DEVICE PF "/sriov_drivers_autoprobe", "x"), EINVAL);
	assert_int_equal(sim_write(m, DEVICE PF "/sriov_drivers_autoprobe", "2"), EINVAL);
	assert_int_equal(sim_write(m, DEVICE PF "/sriov_drivers_autoprobe", "0"), 0);
	assert_int_equal(sim_write(m, DEVICE PF "/sriov_numvfs", "1"), 0);
	expect_driver(m, "0000:02:10.0", "");
	assert_int_equal(sim_write(m, DRIVER "igb/bind", "0000:02:10.0"), ENODEV);
	assert_int_equal(sim_write(m, PCI "drivers_probe", "0000:02:10.0"), 0);
	expect_driver(m, "0000:02:10.0", "");
	assert_int_equal(sim_bind_vfio(m, "0000:02:10.0"), 0);
}

static void enable_counts(void **state)
{
	struct model *m = *state;

	assert_string_equal(sim_read(m, DEVICE NIC "/enable"), "1");
	assert_int_equal(sim_write(m, DEVICE NIC "/enable", "1"), EBUSY);
	assert_int_equal(sim_write(m, DEVICE NIC "/enable", "0"), EBUSY);
	assert_int_equal(sim_write(m, DEVICE NIC "/enable", "x"), EINVAL);
	assert_string_equal(sim_read(m, DEVICE EDU "/power_state"), "unknown");
	assert_int_equal(sim_write(m, DEVICE EDU "/enable", "0"), EIO);
	assert_int_equal(sim_write(m, DEVICE EDU "/enable", "1"), 0);
	assert_int_equal(sim_write(m, DEVICE EDU "/enable", "2"), 0);
	assert_string_equal(sim_read(m, DEVICE EDU "/enable"), "2");
	assert_int_equal(sim_write(m, DEVICE EDU "/enable", "0"), 0);
	assert_string_equal(sim_read(m, DEVICE EDU "/enable"), "1");
	assert_int_equal(sim_bind_vfio(m, NIC), 0);
	assert_string_equal(sim_read(m, DEVICE NIC "/enable"), "0");
}

static void remove_and_rescan(void **state)
{
	struct model *m = *state;
	struct node attribute, folder, again;
	char *text = NULL;
	size_t len;

	assert_int_equal(sim_write(m, DEVICE NIC "/driver_override", "abc"), 0);
	assert_int_equal(sim_walk(m, DEVICE NIC "/vendor", &attribute), 0);
	assert_int_equal(sim_walk(m, DEVICE NIC, &folder), 0);
	assert_int_equal(sim_write(m, DEVICE NIC "/remove", "x"), EINVAL);
	assert_int_equal(sim_write(m, DEVICE NIC "/remove", "0"), 0);
	assert_true(sim_exists(m, DEVICE NIC));
	assert_int_equal(sim_write(m, DEVICE NIC "/remove", "1"), 0);
	assert_false(sim_exists(m, DEVICE NIC));
	assert_int_equal(sim_write(m, PCI "rescan", "x"), EINVAL);
	assert_int_equal(sim_write(m, PCI "rescan", "1"), 0);
	expect_driver(m, NIC, "e1000e");
	assert_string_equal(sim_read(m, DEVICE NIC "/driver_override"), "(null)");
	/* What was open of the one before stays gone. */
	assert_int_equal(view_read(m, attribute, &text, &len), -ENODEV);
	assert_int_equal(view_write(m, attribute, "x", 1), -ENODEV);
	assert_int_equal(view_lookup(m, folder, "vendor", &again), -ENOENT);
	assert_int_equal(sim_walk(m, DEVICE NIC, &again), 0);
	assert_int_not_equal(again.object, folder.object);
}

static void a_bridge_takes_what_is_behind_it(void **state)
{
	struct model *m = *state;

	assert_int_equal(sim_write(m, DEVICE PORT "/remove", "1"), 0);
	assert_false(sim_exists(m, DEVICE GPU));
	assert_false(sim_exists(m, "sys/kernel/iommu_groups/9"));
	assert_int_equal(sim_write(m, PCI "rescan", "1"), 0);
	expect_driver(m, GPU, "nvidia");
	assert_string_equal(sim_list(m, "sys/kernel/iommu_groups/9/devices"), GPU " " SOUND);
}

static void cards_are_pulled_and_plugged(void **state)
{
	struct model *m = *state;

	assert_int_equal(sim_control(m, "vanish " NIC), 0);
	assert_int_equal(sim_control(m, "vanish " NIC), ENODEV);
	assert_int_equal(sim_write(m, PCI "rescan", "1"), 0);
	assert_false(sim_exists(m, DEVICE NIC));
	assert_int_equal(sim_control(m, "appear " NIC), 0);
	assert_int_equal(sim_control(m, "appear " NIC), EEXIST);
	expect_driver(m, NIC, "e1000e");
	assert_int_equal(sim_control(m, "appear 0000:00:19.0"), ENODEV);
}

static void modules_come_and_go(void **state)
{
	struct model *m = *state;

	assert_int_equal(sim_bind_vfio(m, NIC), 0);
	assert_int_equal(sim_bind_vfio(m, NIC2), 0);
	assert_int_equal(sim_write(m, DEVICE NIC2 "/driver_override", "\n"), 0);
	assert_int_equal(sim_control(m, "unload vfio_pci"), 0);
	expect_driver(m, NIC, "");
	expect_driver(m, NIC2, "");
	assert_int_equal(sim_write(m, DRIVER "vfio-pci/bind", NIC), ENOENT);
	assert_int_equal(sim_write(m, PCI "drivers_probe", NIC), 0); /* "succeeds" */
	expect_driver(m, NIC, "");
	/* An override left behind acts when its driver comes. */
	assert_int_equal(sim_control(m, "load vfio_pci"), 0);
	expect_driver(m, NIC, "vfio-pci");
	expect_driver(m, NIC2, "");
	assert_int_equal(sim_control(m, "unload pcieport"), EBUSY); /* built in */
	assert_int_equal(sim_control(m, "unload nosuch"), ENOENT);
	assert_int_equal(sim_control(m, "load nosuch"), ENOENT);
	assert_int_equal(sim_control(m, "load pci_stub"), 0);
	assert_true(sim_exists(m, DRIVER "pci-stub/bind"));
}

static void variants_need_an_override(void **state)
{
	struct model *m = sim_new("driver mlx5_core ids=15b3:1018\n"
				  "driver mlx5_vfio_pci vfio ids=15b3:1018\n"
				  "device 0000:01:00.0 id=15b3:1018 class=020000\n");

	(void)state;
	expect_driver(m, "0000:01:00.0", "mlx5_core");
	assert_int_equal(sim_write(m, DEVICE "0000:01:00.0/driver/unbind", "0000:01:00.0"), 0);
	assert_int_equal(sim_write(m, DRIVER "mlx5_vfio_pci/bind", "0000:01:00.0"), ENODEV);
	assert_int_equal(sim_write(m, DEVICE "0000:01:00.0/driver_override", "mlx5_vfio_pci"), 0);
	assert_int_equal(sim_write(m, DRIVER "mlx5_vfio_pci/bind", "0000:01:00.0"), 0);
	assert_string_equal(sim_list(m, DEVICE "0000:01:00.0/vfio-dev"), "vfio0");
	assert_string_equal(sim_list(m, "sys/module/mlx5_vfio_pci/drivers"), "pci:mlx5_vfio_pci");
	model_free(m);
}

static void other_attributes(void **state)
{
	static const struct {
		const char *attribute, *text;
		int error;
	} rows[] = {{"power/control", "auto", 0}, {"power/control", "x", EINVAL},
		{"msi_bus", "0", 0}, {"msi_bus", "x", EINVAL}, {"d3cold_allowed", "0", 0},
		{"numa_node", "0", 0}, {"numa_node", "9", EINVAL}, {"reset_method", "x", EINVAL},
		{"reset_method", "pm", 0}, {"reset_method", "p", EINVAL},
		{"reset_method", "bus", EINVAL}, {"reset_method", "default", 0}, {"reset", "1", 0},
		{"reset", "0", EINVAL}, {"reset", "x", EINVAL}, {"uevent", "change", 0},
		{"uevent", "xyz", EINVAL}, {"vendor", "1", EACCES}};
	struct model *m = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char path[128];

		snprintf(path, sizeof(path), DEVICE NIC "/%s", rows[i].attribute);
		if (sim_write(m, path, rows[i].text) != rows[i].error)
			fail_msg("%s to %s", rows[i].text, rows[i].attribute);
	}
	assert_string_equal(sim_read(m, DEVICE NIC "/power/control"), "auto");
	assert_string_equal(sim_read(m, DEVICE NIC "/reset_method"), "pm");
	assert_string_equal(sim_read(m, DEVICE NIC "/numa_node"), "0");
	assert_false(sim_exists(m, DEVICE NIC2 "/reset"));
}

static void drivers_autoprobe_off(void **state)
{
	struct model *m = *state;

	assert_int_equal(sim_write(m, PCI "drivers_autoprobe", "0"), 0);
	assert_string_equal(sim_read(m, PCI "drivers_autoprobe"), "0");
	assert_int_equal(sim_write(m, DEVICE NIC "/remove", "1"), 0);
	assert_int_equal(sim_write(m, PCI "rescan", "1"), 0);
	expect_driver(m, NIC, "e1000e"); /* what is discovered is probed all the same */
	/* A driver that is loaded looks at no device. */
	assert_int_equal(sim_bind_vfio(m, NIC), 0);
	assert_int_equal(sim_control(m, "unload vfio_pci"), 0);
	assert_int_equal(sim_control(m, "load vfio_pci"), 0);
	expect_driver(m, NIC, "");
	assert_int_equal(sim_write(m, PCI "drivers_probe", NIC), 0);
	expect_driver(m, NIC, "vfio-pci");
}

static void faults_strike_once_at_their_turn(void **state)
{
	struct model *m = *state;

	assert_int_equal(sim_control(m, "fail unbind 2 EIO"), 0);
	assert_int_equal(sim_control(m, "fail driver_override 1 EBUSY " NIC2), 0);
	assert_int_equal(sim_write(m, DEVICE NIC "/driver_override", "vfio-pci"), 0);
	assert_int_equal(sim_write(m, DEVICE NIC2 "/driver_override", "vfio-pci"), EBUSY);
	assert_string_equal(sim_read(m, DEVICE NIC2 "/driver_override"), "(null)");
	assert_int_equal(sim_write(m, DEVICE NIC2 "/driver_override", "vfio-pci"), 0);
	assert_int_equal(sim_write(m, DEVICE NIC "/driver/unbind", NIC), 0);
	assert_int_equal(sim_write(m, DEVICE NIC2 "/driver/unbind", NIC2), EIO);
	expect_driver(m, NIC2, "e1000e");
	assert_int_equal(sim_write(m, DEVICE NIC2 "/driver/unbind", NIC2), 0);
	assert_int_equal(sim_control(m, "fail drivers_probe 1 ENODEV " NIC), 0);
	assert_int_equal(sim_write(m, PCI "drivers_probe", NIC), ENODEV);
}

static void bad_commands_are_refused(void **state)
{
	static const char *const bad[] = {"frob", "hold", "hold " NIC " device x qemu",
		"hold " NIC " table 42 qemu", "hold xyz device 42 qemu", "release",
		"fail unbind 0 EIO", "fail unbind 1 EWHAT", "fail unbnid 1 EIO",
		"block rescan " NIC, "fail unbind 1", "block unbind", "probe-fail x " NIC, "vanish",
		"net eth1", "net eth1 sideways", "net eth1 address 1.2.3", "mount a b",
		"process 0 x", "hold \"" NIC};
	struct model *m = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (sim_control(m, bad[i]) != EINVAL)
			fail_msg("%s", bad[i]);
	}
	assert_int_equal(sim_write(m, "control", "frob\n"), EINVAL);
	assert_int_equal(sim_control(m, "unblock unbind " NIC), ENOENT);
	assert_int_equal(sim_control(m, "mount sda /mnt"), ENODEV);
	assert_int_equal(sim_control(m, "net eth9 up"), ENODEV);
	assert_int_equal(sim_control(m, "set vfio nosuch 1"), ENOENT);
	/* Several lines run up to the first that fails. */
	assert_int_equal(sim_write(m, "control", "process 77 a\nfrob\nprocess 78 b\n"), EINVAL);
	assert_true(sim_exists(m, "proc/77/comm"));
	assert_false(sim_exists(m, "proc/78/comm"));
}

int main(void)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROW(override_texts),
		ROW(override_length),
		ROW(an_unknown_drivers_override_keeps_all_away),
		ROW(spaces_match_nothing),
		ROW(clearing_while_bound_keeps_the_driver),
		ROW(unbind_errors),
		ROW(bind_errors),
		ROW(vfio_refuses),
		ROW(noiommu_makes_a_group),
		ROW(probe_errors_are_binds_errno),
		ROW(drivers_probe_answers),
		ROW(new_id_takes_all_that_match),
		ROW(numvfs_answers),
		cmocka_unit_test(one_address_has_one_device),
		ROW(a_physical_function_is_trapped_without_its_driver),
		ROW(autoprobe_off_leaves_functions_alone),
		ROW(enable_counts),
		ROW(remove_and_rescan),
		ROW(a_bridge_takes_what_is_behind_it),
		ROW(cards_are_pulled_and_plugged),
		ROW(modules_come_and_go),
		cmocka_unit_test(variants_need_an_override),
		ROW(other_attributes),
		ROW(drivers_autoprobe_off),
		ROW(faults_strike_once_at_their_turn),
		ROW(bad_commands_are_refused),
	};

	return cmocka_run_group_tests_name("simhost writes", tests, NULL, NULL);
}
