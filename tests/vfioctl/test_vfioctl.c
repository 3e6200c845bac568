/* SPDX-License-Identifier: MIT */
/* The tool as its users meet it: what it prints, what it asks for, what it exits with. */
#include "tests/vfioctl/canned.h"
#include "tests/vfioctl/tool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *program;
static struct canned *canned;

#define RUN(...) tool_run(program, canned_url(canned), (const char *const[]){__VA_ARGS__, NULL})

/* One run, and all that is to be seen of it. NULL: whatever. */
static void expect(struct tool_run run, int exit_code, const char *out, const char *err)
{
	if (run.exit_code != exit_code)
		fail_msg("exit code %d for %d\n%s%s", run.exit_code, exit_code, run.out, run.err);
	if (out)
		assert_string_equal(run.out, out);
	if (err)
		assert_string_equal(run.err, err);
	tool_run_clear(&run);
}

/* One run with something to be found in what it wrote to stdout and stderr. */
static void expect_in(struct tool_run run, int exit_code, const char *out, const char *err)
{
	if (run.exit_code != exit_code || !strstr(run.out, out) || !strstr(run.err, err))
		fail_msg("exit code %d for %d\n%s%s", run.exit_code, exit_code, run.out, run.err);
	tool_run_clear(&run);
}

static int start(void **state)
{
	(void)state;
	canned = canned_start();
	return 0;
}

static int end(void **state)
{
	(void)state;
	canned_stop(canned);
	return 0;
}

static void test_list(void **state)
{
	(void)state;
	expect(RUN("list"), 0,
		"ADDRESS       ID         CLASS   DRIVER  GROUP  NUMA  NAME\n"
		"0000:01:00.0  10de:2204  030000  nvidia  10     0     VGA: NVIDIA caf\xc3\xa9 \\x1b[2J\n"
		"0000:03:00.0  10de:2204  030000  -       9      0     -\n",
		"");
	expect(RUN("-q", "list"), 0, "0000:01:00.0\n0000:03:00.0\n", "");
	expect(RUN("list", "--class", "0300", "--id=10de:*", "--driver", "nvidia", "--group", "1"),
		0, NULL, "");
	assert_string_equal(canned_last_request(canned),
		"{\"page_size\":0,\"page_token\":\"\",\"id\":\"10de:*\",\"class\":\"0300\",\"driver\":\"nvidia\",\"iommu_group\":\"1\"}");
}

static void test_list_takes_every_page(void **state)
{
	struct tool_run run;
	unsigned lines = 0;

	(void)state;
	canned_set_devices(canned, 2500);
	run = RUN("list", "--quiet");
	for (char *line = strtok(run.out, "\n"); line; line = strtok(NULL, "\n"), lines++)
		assert_int_equal(strtoul(line, NULL, 16), lines);
	assert_int_equal(lines, 2500);
	expect(run, 0, NULL, "");
	run = RUN("list", "--json");
	assert_non_null(strstr(run.out, "\"address\":\"09c3:00:00.0\""));
	assert_non_null(strstr(run.out, "],\"next_page_token\":\"\"}\n"));
	expect(run, 0, NULL, "");
}

static void test_groups(void **state)
{
	(void)state;
	expect(RUN("groups"), 0,
		"GROUP  VIABLE  TYPE  ADDRESS       BLOCKED-BY  NOTE\n"
		"9      no      -     0000:03:00.0  nvidia      the driver is not a VFIO driver\n"
		"10     yes     -     0000:01:00.0  -           -\n",
		"");
	expect(RUN("groups", "-q", "0000:01:00.0"), 0, "10\n", "");
	assert_string_equal(canned_last_request(canned),
		"{\"pci_addresses\":[\"0000:01:00.0\"],\"allowlist\":[]}");
}

static void test_groups_of_a_large_host(void **state)
{
	struct tool_run run;
	unsigned lines = 0;

	(void)state;
	canned_set_devices(canned, 2500);
	run = RUN("groups", "-q");
	for (char *line = strtok(run.out, "\n"); line; line = strtok(NULL, "\n"), lines++)
		assert_int_equal(strtoul(line, NULL, 10), lines);
	assert_int_equal(lines, 2500);
	expect(run, 0, NULL, "");
}

static void test_info(void **state)
{
	(void)state;
	expect_in(RUN("info", "0000:01:00.0"), 0, "\nregion_0         16M memory\n", "");
	expect_in(RUN("info", "0000:01:00.0"), 0, "\nreset_methods    flr bus\n", "");
	expect_in(RUN("info", "0000:01:00.0"), 0, "\nstate            HOST\n", "");
	expect_in(RUN("info", "0000:01:00.0"), 0, "\nsubsystem_id     -\n", "");
	expect_in(RUN("info", "0000:01:00.0"), 0, "caf\xc3\xa9 \\x1b[2J\n", "");
	expect(RUN("info", "-q", "0000:01:00.0"), 0, "", "");
	expect_in(RUN("info", "--json", "0000:01:00.0"), 0, "\"size\":\"16777216\"", "");
	expect(RUN("info", "0000:02:00.0"), 1, "",
		"vfioctl info: PCI device not found: 0000:02:00.0\n"
		"  0000:02:00.0: DEVICE_NOT_FOUND\n"
		"    what to do: look at what there is\n");
}

static void test_validate(void **state)
{
	(void)state;
	expect(RUN("validate", "0000:01:00.0"), 0,
		"All devices are valid and available for passthrough\n", "");
	expect(RUN("validate", "0000:03:00.0", "--allow", "10de:*", "--allow=8086:10d3", "x"), 1,
		"Not available for passthrough:\n"
		"  0000:03:00.0: VFIO_IN_USE: a process has it open\n",
		"");
	assert_string_equal(canned_last_request(canned),
		"{\"pci_addresses\":[\"0000:03:00.0\",\"x\"],\"allowlist\":[\"10de:*\",\"8086:10d3\"]}");
	expect(RUN("validate", "-q", "0000:03:00.0"), 1, "", "");
	expect_in(RUN("validate", "--json", "0000:03:00.0"), 1, "{\"valid\":false,", "");
}

static void test_bind(void **state)
{
	(void)state;
	expect(RUN("bind", "0000:01:00.0"), 0,
		"Devices successfully bound to vfio-pci driver\n"
		"ADDRESS       DRIVER    ORIGINAL-DRIVER\n"
		"0000:01:00.0  vfio-pci  nvidia\n"
		"\nIOMMU group 10 cannot be used before these are off their drivers:\n"
		"ADDRESS       DRIVER         REASON\n"
		"0000:01:00.1  snd_hda_intel  the driver is not a VFIO driver\n",
		"");
	assert_string_equal(canned_last_request(canned),
		"{\"pci_addresses\":[\"0000:01:00.0\"],\"whole_group\":false,\"all_functions\":false,\"dry_run\":false,\"force\":[],\"node_owner\":\"\",\"node_mode\":\"\"}");
	expect(RUN("bind", "-q", "0000:01:00.0"), 0, "", "");
}

static void test_bind_options(void **state)
{
	(void)state;
	expect_in(RUN("bind", "--whole-group", "a", "--all-functions", "--dry-run", "--force",
			  "BOOT_DISPLAY", "--force", "NIC_IN_USE"),
		0,
		"\nThe writes that would be made, in order:\n"
		"ADDRESS       ACTION  DRIVER\n"
		"0000:01:00.0  unbind  nvidia\n",
		"");
	assert_string_equal(canned_last_request(canned),
		"{\"pci_addresses\":[\"a\"],\"whole_group\":true,\"all_functions\":true,\"dry_run\":true,\"force\":[\"BOOT_DISPLAY\",\"NIC_IN_USE\"],\"node_owner\":\"\",\"node_mode\":\"\"}");
	expect(RUN("bind", "-q", "--node-owner", "qemu:kvm", "--node-mode", "0660", "a"), 0, "",
		"");
	assert_string_equal(canned_last_request(canned),
		"{\"pci_addresses\":[\"a\"],\"whole_group\":false,\"all_functions\":false,\"dry_run\":false,\"force\":[],\"node_owner\":\"qemu:kvm\",\"node_mode\":\"0660\"}");
}

static void test_refusal_names_the_holder(void **state)
{
	(void)state;
	expect(RUN("bind", "0000:03:00.0"), 1, "",
		"vfioctl bind: one device cannot be changed\n"
		"  0000:03:00.0: VFIO_IN_USE: a process has it open\n"
		"    what to do: end the process\n"
		"    held by: pid 812 (qemu\\x0aroot), which has /dev/vfio/1\n");
	expect_in(RUN("bind", "--json", "0000:03:00.0"), 1, "",
		"\"code\":9,\"status\":\"FAILED_PRECONDITION\",");
	expect_in(RUN("bind", "--json", "0000:03:00.0"), 1, "",
		"\"holders\":[{\"pid\":812,\"command\":\"qemu\\nroot\"");
}

static void test_no_right_to_change(void **state)
{
	(void)state;
	canned_set_may_change(canned, false);
	expect_in(RUN("bind", "0000:01:00.0"), 1, "", "vfioctl bind: ");
	assert_string_equal(canned_last_request(canned), "");
	expect(RUN("list", "-q"), 0, NULL, "");
}

static void test_unbind(void **state)
{
	(void)state;
	expect(RUN("unbind", "0000:01:00.0", "--dry-run"), 0,
		"Devices successfully unbound from vfio-pci driver\n"
		"ADDRESS       DRIVER  ORIGINAL-DRIVER\n"
		"0000:01:00.0  nvidia  nvidia\n"
		"\nThere is nothing to write.\n",
		"");
	assert_string_equal(canned_last_request(canned),
		"{\"pci_addresses\":[\"0000:01:00.0\"],\"whole_group\":false,\"all_functions\":false,\"dry_run\":true,\"leave_driverless\":false,\"force\":[]}");
	expect(RUN("unbind", "-q", "--leave-driverless", "--force", "VFIO_IN_USE", "a"), 0, "", "");
	assert_string_equal(canned_last_request(canned),
		"{\"pci_addresses\":[\"a\"],\"whole_group\":false,\"all_functions\":false,\"dry_run\":false,\"leave_driverless\":true,\"force\":[\"VFIO_IN_USE\"]}");
}

static void test_paths(void **state)
{
	(void)state;
	expect(RUN("paths", "0000:01:00.0"), 0,
		"ADDRESS       GROUP-PATH    DEVICE-PATH  SYSFS-PATH\n"
		"0000:01:00.0  /dev/vfio/10  -            /sys/bus/pci/devices/0000:01:00.0\n",
		"");
	expect(RUN("paths", "-q", "0000:01:00.0"), 0, "/dev/vfio/10\n", "");
	expect(RUN("paths", "--json", "0000:01:00.0"), 0,
		"{\"group_paths\":[\"/dev/vfio/10\"],\"devices\":[{\"address\":\"0000:01:00.0\",\"group_path\":\"/dev/vfio/10\",\"sysfs_path\":\"/sys/bus/pci/devices/0000:01:00.0\",\"device_path\":\"\"}]}\n",
		"");
}

static void test_doctor(void **state)
{
	(void)state;
	expect(RUN("doctor"), 0,
		"CHECK  VERDICT  FOUND\n"
		"iommu  pass     12 IOMMU groups\n"
		"\nkernel 6.1.0, 20 PCI functions, 0 on a VFIO driver, 12 IOMMU groups, vfiod 9.9.9\n"
		"This host is ready for passthrough.\n",
		"");
	canned_set_ready(canned, false);
	expect_in(RUN("doctor", "--color", "always"), 1,
		"vfio_pci  \033[31mfail\033[0m     the module is not there\n"
		"    what to do: install it\n",
		"");
	expect(RUN("doctor", "-q"), 1, "", "");
	expect_in(RUN("doctor", "--json"), 1, "\"verdict\":\"FAIL\"", "");
}

static void test_health(void **state)
{
	(void)state;
	expect(RUN("health"), 0, "serving\n", "");
	canned_set_serving(canned, false);
	expect(RUN("health"), 3, "not serving\n", "");
}

static void test_nobody_there(void **state)
{
	(void)state;
	expect_in(RUN("--rpc", "ipc:///tmp/nobody/listens/here.sock", "list"), 3, "",
		"vfioctl list: nobody listens at ipc:///tmp/nobody/listens/here.sock");
	expect_in(RUN("health", "--rpc", "ipc:///tmp/nobody/listens/here.sock", "--json"), 3, "",
		"{\"error\":\"nobody listens at ");
}

static void test_timeout(void **state)
{
	(void)state;
	expect_in(RUN("--timeout", "1", "info", "0000:04:00.0"), 1, "", "vfioctl info: ");
}

static void test_usage(void **state)
{
	(void)state;
	expect_in(RUN("frobnicate"), 2, "", "there is no command \"frobnicate\"");
	expect_in(RUN("list", "--frobnicate"), 2, "", "'vfioctl list --help' tells more.");
	expect_in(RUN("list", "argument"), 2, "", "vfioctl list: no arguments are expected\n");
	expect_in(RUN("list", "--driver="), 2, "", "vfioctl list: --driver needs a value\n");
	expect_in(RUN("info"), 2, "", "vfioctl info: which device? Give its PCI address\n");
	expect_in(RUN("info", "a", "b"), 2, "", "2 arguments are given, at most 1 expected");
	expect_in(RUN("bind"), 2, "", "which device?");
	expect_in(RUN("--timeout", "0", "list"), 2, "", "vfioctl: --timeout: \"0\"");
	expect_in(RUN("list", "--rpc", "http://here"), 2, "", "vfioctl list: ");
	expect_in(RUN("list", "--rpc", "tls+tcp://localhost:1", "--tls-authority", "/nowhere.pem"),
		2, "", "vfioctl list: cannot open /nowhere.pem: No such file or directory\n");
	expect_in(RUN("--json"), 2, "", "Usage: vfioctl ");
	assert_string_equal(canned_last_request(canned), "");
}

static void test_help(void **state)
{
	(void)state;
	expect_in(RUN("--help"), 0, "Commands:\n  list ", "");
	expect_in(RUN("help"), 0, "Exit codes:\n", "");
	expect_in(RUN("bind", "--help"), 0, "Usage: vfioctl [OPTION]... bind ADDRESS...", "");
	expect_in(RUN("help", "bind"), 0, "      --force REASON ", "");
	expect_in(RUN("help", "nothing"), 2, "", "there is no command \"nothing\"");
	expect_in(RUN("--version"), 0, "vfioctl ", "");
	expect_in(RUN("version", "--json"), 0, "{\"version\":\"", "");
}

/* What could not be written was not done. */
static void test_full_disk(void **state)
{
	const char *command = "exec \"$0\" list >/dev/full 2>&1";
	struct tool_run run;

	(void)state;
	run = tool_run(
		"/bin/sh", canned_url(canned), (const char *const[]){"-c", command, program, NULL});
	expect(run, 1, "", NULL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_list, start, end),
		cmocka_unit_test_setup_teardown(test_list_takes_every_page, start, end),
		cmocka_unit_test_setup_teardown(test_groups, start, end),
		cmocka_unit_test_setup_teardown(test_groups_of_a_large_host, start, end),
		cmocka_unit_test_setup_teardown(test_info, start, end),
		cmocka_unit_test_setup_teardown(test_validate, start, end),
		cmocka_unit_test_setup_teardown(test_bind, start, end),
		cmocka_unit_test_setup_teardown(test_bind_options, start, end),
		cmocka_unit_test_setup_teardown(test_refusal_names_the_holder, start, end),
		cmocka_unit_test_setup_teardown(test_no_right_to_change, start, end),
		cmocka_unit_test_setup_teardown(test_unbind, start, end),
		cmocka_unit_test_setup_teardown(test_paths, start, end),
		cmocka_unit_test_setup_teardown(test_doctor, start, end),
		cmocka_unit_test_setup_teardown(test_health, start, end),
		cmocka_unit_test_setup_teardown(test_nobody_there, start, end),
		cmocka_unit_test_setup_teardown(test_timeout, start, end),
		cmocka_unit_test_setup_teardown(test_usage, start, end),
		cmocka_unit_test_setup_teardown(test_help, start, end),
		cmocka_unit_test_setup_teardown(test_full_disk, start, end),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: test_vfioctl VFIOCTL\n");
		return 2;
	}
	program = argv[1];
	return cmocka_run_group_tests_name("vfioctl/tool", tests, NULL, NULL);
}
