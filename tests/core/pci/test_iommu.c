/* SPDX-License-Identifier: MIT */
/* Whether an IOMMU is at work. */
#include "core/base/util.h"
#include "core/pci/iommu.h"
#include "core/pci/real.h"
#include "tests/core/test.h"
#include "tests/support/tree.h"

static void words_of_the_command_line_are_whole(void **state)
{
	static const struct {
		const char *cmdline, *word;
		bool expected;
	} rows[] = {
		{"quiet iommu=off", "iommu=off", true},
		{"quiet intel_iommu=off", "iommu=off", false},
		{"iommu=pt,off\n", "iommu=off", true},
		{"iommu=offline", "iommu=off", false},
		{"iommu=off,pt", "iommu=pt", true},
		{"intel_iommu=on,igfx_off quiet", "intel_iommu=igfx_off", true},
		{"pcie_acs_override=downstream", "pcie_acs_override=", true},
		{"xpcie_acs_override=downstream", "pcie_acs_override=", false},
		{"", "iommu=off", false},
		{NULL, "iommu=off", false},
		{"iommu=", "iommu=off", false},
		{"iommu=,,", "iommu=off", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (iommu_cmdline_has(rows[i].cmdline, rows[i].word) != rows[i].expected)
			fail_msg("%s in %s", rows[i].word, rows[i].cmdline);
	}
}

static void groups_of_noiommu_mode_do_not_count(void **state)
{
	struct tree *tree = tree_new();
	struct sysfs sysfs = SYSFS_INIT;
	uint32_t noiommu;

	(void)state;
	assert_int_equal(sysfs_open(&sysfs, tree_root(tree)), 0);
	tree_write(tree, "proc/cmdline", "intel_iommu=on\n");
	tree_write(tree, "sys/kernel/iommu_groups/0/name", "vfio-noiommu\n");
	assert_int_equal(iommu_count_groups(&sysfs, &noiommu), 0);
	assert_int_equal(noiommu, 1);
	assert_int_equal(iommu_read(&sysfs), IOMMU_IS_OFF);
	tree_write(tree, "sys/kernel/iommu_groups/1/name", "another\n");
	tree_write(tree, "sys/kernel/iommu_groups/2/type", "DMA\n");
	assert_int_equal(iommu_count_groups(&sysfs, &noiommu), 2);
	assert_int_equal(iommu_read(&sysfs), IOMMU_IS_ON);
	tree_write(tree, "proc/cmdline", "intel_iommu=on,igfx_off\n");
	assert_int_equal(iommu_read(&sysfs), IOMMU_IS_ON_WITHOUT_IGFX);
	tree_remove(tree, "sys/kernel/iommu_groups");
	assert_int_equal(iommu_read(&sysfs), IOMMU_IS_OFF);
	sysfs_close(&sysfs);
	tree_free(tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_of_the_command_line_are_whole),
		cmocka_unit_test(groups_of_noiommu_mode_do_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
