/* SPDX-License-Identifier: MIT */
/* Is the host ready for passthrough? */
#include "core/base/util.h"
#include "core/doctor.h"
#include "core/engine.h"
#include "tests/core/fixture.h"

#include <errno.h>
#include <string.h>

static void examine(struct fixture *f, struct doctor_report *report)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;

	assert_int_equal(doctor_examine(f->host, fixture_deadline(), report, &err), 0);
	assert_true(report->n_checks <= DOCTOR_MAX_CHECKS);
	for (size_t i = 0; i < report->n_checks; i++) {
		const struct doctor_check *c = &report->checks[i];

		assert_true(c->name[0] && c->message[0]);
		/* Whatever is wrong has something to do about it. */
		if (c->verdict == DOCTOR_FAIL || c->verdict == DOCTOR_WARN)
			assert_true(c->action[0] != '\0');
		else
			assert_string_equal(c->action, "");
	}
}

static const struct doctor_check *find(const struct doctor_report *report, const char *name)
{
	for (size_t i = 0; i < report->n_checks; i++) {
		if (strcmp(report->checks[i].name, name) == 0)
			return &report->checks[i];
	}
	return NULL;
}

static void assert_verdict(struct fixture *f, const char *name, enum doctor_verdict verdict)
{
	struct doctor_report report;

	examine(f, &report);
	const struct doctor_check *c = find(&report, name);
	if (!c || c->verdict != verdict)
		fail_msg("%s: %s", name, c ? c->message : "absent");
}

static void a_healthy_host_passes_and_is_counted(void **state)
{
	struct fixture *f = *state;
	struct doctor_report report;

	examine(f, &report);
	assert_string_equal(report.kernel, "6.1.0-test");
	assert_int_equal(report.n_devices, 14);
	assert_int_equal(report.n_vfio_devices, 1);
	assert_int_equal(report.n_groups, 12);
	for (size_t i = 0; i < report.n_checks; i++) {
		if (report.checks[i].verdict != DOCTOR_PASS)
			fail_msg("%s: %s", report.checks[i].name, report.checks[i].message);
	}
}

static void an_iommu_that_is_off_is_told_how_to_turn_on(void **state)
{
	struct fixture *f = *state;
	struct doctor_report report;

	tree_remove(f->tree, "sys/kernel/iommu_groups");
	assert_verdict(f, "firmware", DOCTOR_PASS);
	examine(f, &report);
	assert_int_equal(find(&report, "iommu")->verdict, DOCTOR_FAIL);
	assert_non_null(strstr(find(&report, "iommu")->action, "dmesg"));
	tree_write(f->tree, "proc/cmdline", "quiet\n");
	examine(f, &report);
	assert_non_null(strstr(find(&report, "iommu")->action, "intel_iommu=on"));
	tree_remove(f->tree, "sys/firmware/acpi/tables/DMAR");
	assert_verdict(f, "firmware", DOCTOR_FAIL);
	examine(f, &report);
	assert_non_null(strstr(find(&report, "iommu")->action, "firmware's settings"));
}

/* The table tells whose IOMMU it is; the processor may be of somebody else. */
static void the_maker_of_an_iommu_is_told_by_its_table(void **state)
{
	static const struct {
		const char *cmdline, *action;
	} rows[] = {
		{"quiet", "dmesg"},
		{"quiet intel_iommu=on", "dmesg"},
		{"quiet amd_iommu=off", "take amd_iommu=off off"},
		{"iommu=pt,off quiet", "take iommu=off off"},
		{"amd_iommu=fullflush,off", "take amd_iommu=off off"},
		{"xiommu=off iommu=offline", "dmesg"},
	};
	struct fixture *f = *state;
	struct doctor_report report;

	tree_remove(f->tree, "sys/kernel/iommu_groups");
	tree_remove(f->tree, "sys/firmware/acpi/tables/DMAR");
	tree_write(f->tree, "sys/firmware/acpi/tables/IVRS", "IVRS");
	tree_write(f->tree, "proc/cpuinfo", "vendor_id : HygonGenuine\n");
	assert_verdict(f, "firmware", DOCTOR_PASS);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		tree_write(f->tree, "proc/cmdline", "%s\n", rows[i].cmdline);
		examine(f, &report);
		const char *action = find(&report, "iommu")->action;
		if (!strstr(action, rows[i].action) || strstr(action, "amd_iommu=on"))
			fail_msg("%s: %s", rows[i].cmdline, action);
	}
}

static void groups_of_noiommu_mode_are_no_iommu(void **state)
{
	struct fixture *f = *state;
	struct doctor_report report;

	tree_remove(f->tree, "sys/kernel/iommu_groups");
	tree_write(f->tree, "sys/kernel/iommu_groups/0/name", "vfio-noiommu\n");
	examine(f, &report);
	assert_int_equal(report.n_groups, 0);
	assert_int_equal(find(&report, "iommu")->verdict, DOCTOR_FAIL);
	assert_non_null(strstr(find(&report, "iommu")->message, "noiommu mode"));
	tree_write(f->tree, "sys/kernel/iommu_groups/1/type", "DMA\n");
	examine(f, &report);
	assert_int_equal(report.n_groups, 1);
}

static void an_override_of_isolation_is_warned_of(void **state)
{
	struct fixture *f = *state;
	struct doctor_report report;

	examine(f, &report);
	assert_null(find(&report, "acs_override"));
	tree_write(f->tree, "proc/cmdline", "intel_iommu=on pcie_acs_override=downstream\n");
	assert_verdict(f, "acs_override", DOCTOR_WARN);
}

static void groups_prove_an_iommu_without_a_table(void **state)
{
	struct fixture *f = *state;

	tree_remove(f->tree, "sys/firmware");
	assert_verdict(f, "firmware", DOCTOR_PASS);
}

static void unremapped_interrupts_are_a_failure_unless_allowed(void **state)
{
	struct fixture *f = *state;

	tree_write(f->tree, "proc/interrupts", "  1:  9  IO-APIC  1-edge  i8042\n");
	assert_verdict(f, "interrupt_remapping", DOCTOR_FAIL);
	tree_write(
		f->tree, "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y\n");
	assert_verdict(f, "interrupt_remapping", DOCTOR_WARN);
	tree_remove(f->tree, "sys/module/vfio_iommu_type1/parameters");
	tree_remove(f->tree, "proc/interrupts");
	assert_verdict(f, "interrupt_remapping", DOCTOR_UNKNOWN);
}

static void missing_modules_are_named(void **state)
{
	struct fixture *f = *state;

	tree_unbind(f->tree, "0000:06:00.0");
	tree_remove(f->tree, "sys/bus/pci/drivers/vfio-pci");
	assert_verdict(f, "vfio_pci", DOCTOR_FAIL);
	tree_remove(f->tree, "sys/module/vfio_iommu_type1");
	assert_verdict(f, "vfio_iommu_type1", DOCTOR_FAIL);
}

static void noiommu_is_warned_of(void **state)
{
	struct fixture *f = *state;
	struct doctor_report report;

	examine(f, &report);
	assert_null(find(&report, "noiommu"));
	tree_write(f->tree, "sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n");
	assert_verdict(f, "noiommu", DOCTOR_WARN);
}

/* Nobody opens the nodes of a simulated host, or writes to a /sys that could be read-only. */
static void a_real_hosts_disks_must_be_seen(void **state)
{
	struct fixture *f = *state;
	struct doctor_report report;

	fake_helper_set_blind(f->fake, "/dev/nvme0n1", EPERM);
	examine(f, &report);
	assert_null(find(&report, "disks"));
	assert_null(find(&report, "sysfs"));
	f->host->sysfs.is_real = true;
	examine(f, &report);
	assert_int_equal(find(&report, "disks")->verdict, DOCTOR_FAIL);
	assert_string_equal(find(&report, "disks")->message,
		"vfiod cannot examine the disk /dev/nvme0n1: Operation not permitted");
	assert_verdict(f, "sysfs", DOCTOR_PASS);
	fake_helper_set_blind(f->fake, "", 0);
	assert_verdict(f, "disks", DOCTOR_PASS);
}

static void examining_writes_nothing(void **state)
{
	struct fixture *f = *state;
	struct doctor_report report;

	examine(f, &report);
	fixture_assert_log(f, "");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_healthy_host_passes_and_is_counted),
		TEST(an_iommu_that_is_off_is_told_how_to_turn_on),
		TEST(the_maker_of_an_iommu_is_told_by_its_table),
		TEST(groups_of_noiommu_mode_are_no_iommu),
		TEST(an_override_of_isolation_is_warned_of),
		TEST(groups_prove_an_iommu_without_a_table),
		TEST(unremapped_interrupts_are_a_failure_unless_allowed),
		TEST(missing_modules_are_named),
		TEST(noiommu_is_warned_of),
		TEST(a_real_hosts_disks_must_be_seen),
		TEST(examining_writes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
