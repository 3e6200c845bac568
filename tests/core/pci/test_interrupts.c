/* SPDX-License-Identifier: MIT */
/* Whether interrupts are remapped, from what the host shows. */
#include "core/base/util.h"
#include "core/pci/interrupts.h"
#include "core/pci/real.h"
#include "tests/core/test.h"
#include "tests/support/tree.h"

static void each_host_is_told(void **state)
{
	static const struct {
		const char *interrupts, *cpu, *allowed;
		enum interrupts expected;
		bool table; /* the firmware has one that tells of an IOMMU */
	} rows[] = {
		{"1: 9 IR-IO-APIC 1-edge i8042\n", "GenuineIntel", NULL, INTERRUPTS_REMAPPED,
			false},
		{"1: 9 IR-PCI-MSI 1-edge x\n", "AuthenticAMD", "N", INTERRUPTS_REMAPPED, false},
		{"1: 9 IO-APIC 1-edge i8042\n", "GenuineIntel", NULL, INTERRUPTS_UNSAFE, false},
		{"1: 9 IO-APIC 1-edge i8042\n", "GenuineIntel", "N", INTERRUPTS_UNSAFE, false},
		{"1: 9 IO-APIC 1-edge i8042\n", "AuthenticAMD", "Y", INTERRUPTS_ALLOWED, false},
		/* A device's name is no chip's. */
		{"1: 9 IO-APIC 1-edge FIR-2\n", "GenuineIntel", NULL, INTERRUPTS_UNSAFE, false},
		/* Whoever made the processor. */
		{"1: 9 IO-APIC 1-edge i8042\n", "HygonGenuine", NULL, INTERRUPTS_UNSAFE, false},
		{"1: 9 PCI-MSI 1-edge x\n", "CentaurHauls", NULL, INTERRUPTS_UNSAFE, true},
		{"1: 9 GICv3 1 Level arch_timer\n", "ARM", NULL, INTERRUPTS_UNKNOWN, false},
		{"", "GenuineIntel", NULL, INTERRUPTS_UNKNOWN, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tree *tree = tree_new();
		struct sysfs sysfs = SYSFS_INIT;

		tree_write(tree, "proc/interrupts", "%s", rows[i].interrupts);
		tree_write(tree, "proc/cpuinfo", "vendor_id : %s\n", rows[i].cpu);
		if (!rows[i].table)
			tree_remove(tree, "sys/firmware");
		if (rows[i].allowed)
			tree_write(tree,
				"sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts",
				"%s\n", rows[i].allowed);
		assert_int_equal(sysfs_open(&sysfs, tree_root(tree)), 0);
		assert_int_equal(interrupts_read(&sysfs), rows[i].expected);
		tree_remove(tree, "proc/interrupts");
		assert_int_equal(interrupts_read(&sysfs), INTERRUPTS_UNKNOWN);
		sysfs_close(&sysfs);
		tree_free(tree);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_host_is_told)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
