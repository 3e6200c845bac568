/* SPDX-License-Identifier: MIT */
/* Validation: every reason that a device can stand in the way for. */
#include "core/base/util.h"
#include "tests/core/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static int validate_with(struct fixture *f, char **texts, size_t n, const struct allowlist *allow,
	struct core_problems *problems)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(free_cleanup) char *before = tree_snapshot(f->tree);
	int rc = host_check(f->host, texts, n, allow, fixture_deadline(), problems, &err);
	CLEANUP(free_cleanup) char *after = tree_snapshot(f->tree);

	/* Looking changes nothing. */
	assert_string_equal(before, after);
	assert_int_equal(fake_helper_writes(f->fake), 0);
	return rc;
}

static void validate(struct fixture *f, const char *text, struct core_problems *problems)
{
	char *texts[] = {(char *)text};

	assert_int_equal(validate_with(f, texts, 1, NULL, problems), 0);
}

static void assert_fine(struct fixture *f, const char *address)
{
	CLEANUP(core_problems_clear) struct core_problems problems = {0};

	validate(f, address, &problems);
	if (problems.count > 0)
		fail_msg("%s", problems.items[0].message);
}

static void assert_refused(
	struct fixture *f, const char *text, enum core_reason reason, const char *message)
{
	CLEANUP(core_problems_clear) struct core_problems problems = {0};

	validate(f, text, &problems);
	assert_int_equal(problems.count, 1);
	assert_string_equal(problems.items[0].message, message);
	assert_string_equal(core_reason_name(problems.items[0].reason), core_reason_name(reason));
	assert_true(problems.items[0].action[0] != '\0');
}

static void free_devices_are_fine(void **state)
{
	struct fixture *f = *state;

	assert_fine(f, "0000:01:00.0");
	assert_fine(f, "01:00.1");
	assert_fine(f, "0000:02:00.0");
	assert_fine(f, "0000:05:10.0");
	assert_fine(f, "0000:06:00.0");
	assert_fine(f, "0000:08:00.0");
	assert_fine(f, "10000:E1:00.0");
}

static void each_reason_has_its_words(void **state)
{
	struct fixture *f = *state;

	assert_refused(f, "nonsense", REASON_INVALID_ADDRESS,
		"invalid PCI address format: nonsense (expected format: 0000:01:00.0)");
	assert_refused(f, "../../etc/passwd", REASON_INVALID_ADDRESS,
		"invalid PCI address format: ../../etc/passwd (expected format: 0000:01:00.0)");
	assert_refused(f, "99:00.0", REASON_DEVICE_NOT_FOUND, "PCI device not found: 0000:99:00.0");
	assert_refused(f, "0000:07:00.0", REASON_NO_IOMMU_GROUP,
		"device 0000:07:00.0 has no IOMMU group (IOMMU may not be enabled)");
	assert_refused(f, "0000:00:01.0", REASON_IS_BRIDGE,
		"device 0000:00:01.0 is a bridge (class 060400) and can never be passed through");
	assert_refused(f, "0000:00:02.0", REASON_BOOT_DISPLAY,
		"device 0000:00:02.0 is the display this host booted on");
	assert_refused(f, "0000:04:00.0", REASON_DISK_IN_USE,
		"device 0000:04:00.0 carries disk nvme0n1p1, which is mounted on /");
	assert_refused(f, "0000:03:00.0", REASON_NIC_IN_USE,
		"device 0000:03:00.0 carries network interface eth1, which has the default route");
	assert_refused(f, "0000:05:00.0", REASON_PF_HAS_VFS,
		"device 0000:05:00.0 is a physical function with 2 virtual functions enabled");
}

static void a_console_on_a_frame_buffer_is_a_display_in_use(void **state)
{
	struct fixture *f = *state;

	tree_add_node(f->tree, &(struct tree_node){"0000:01:00.0", "graphics/fb0", "29:0", "fb0"});
	assert_fine(f, "0000:01:00.0");
	fake_helper_set_console(f->fake, true);
	assert_refused(f, "0000:01:00.0", REASON_BOOT_DISPLAY,
		"device 0000:01:00.0 is the display this host has its console on");
	assert_fine(f, "0000:02:00.0");
}

/* Who has its node open does not hide that the kernel has it too. */
static void a_claimed_disk_is_in_use_whoever_else_has_it(void **state)
{
	CLEANUP(core_problems_clear) struct core_problems problems = {0};
	const struct holder smartd = {.pid = 9, .command = "smartd", .hold = HOLD_NODE};
	struct fixture *f = *state;

	tree_add_disk(f->tree, &(struct tree_disk){.name = "nvme1n1", .address = "10000:e1:00.0"});
	fake_helper_set_node_holders(f->fake, &smartd, 1, true);
	validate(f, "10000:e1:00.0", &problems);
	assert_int_equal(problems.count, 2);
	assert_int_equal(problems.items[0].reason, REASON_NODE_IN_USE);
	assert_int_equal(problems.items[1].reason, REASON_DISK_IN_USE);
}

static void the_requests_allowlist_counts(void **state)
{
	CLEANUP(core_problems_clear) struct core_problems problems = {0};
	struct allowlist_entry entries[] = {{0x10de, -1}};
	const struct allowlist allow = {.entries = entries, .count = 1};
	char *texts[] = {"0000:01:00.0", "0000:02:00.0", "0000:99:00.0"};
	struct fixture *f = *state;

	assert_int_equal(validate_with(f, texts, 3, &allow, &problems), 0);
	assert_int_equal(problems.count, 2);
	assert_string_equal(
		problems.items[0].message, "device 0000:02:00.0 (8086:10d3) not in allowlist");
	assert_int_equal(problems.items[0].reason, REASON_NOT_ALLOWLISTED);
	assert_int_equal(problems.items[1].reason, REASON_DEVICE_NOT_FOUND);
}

static void the_servers_allowlist_counts_too(void **state)
{
	struct core_error err = CORE_ERROR_INIT;
	struct fixture *f = *state;
	struct allowlist_entry everything[] = {{-1, -1}};
	const struct allowlist wide = {.entries = everything, .count = 1};
	CLEANUP(core_problems_clear) struct core_problems problems = {0};
	char *rule = "8086:*", *text = "0000:01:00.0";
	struct host_config config = {.root = tree_root(f->tree),
		.state = tree_state(f->tree),
		.lock_fd = tree_open_locks(f->tree),
		.helper = f->helper};

	host_close(STEAL(f->host));
	assert_int_equal(allowlist_parse(&rule, 1, &config.allow, &err), 0);
	assert_int_equal(host_open(&config, &f->host, &err), 0);
	assert_fine(f, "0000:02:00.0");
	/* A request cannot widen it. */
	assert_int_equal(validate_with(f, &text, 1, &wide, &problems), 0);
	assert_int_equal(problems.count, 1);
	assert_int_equal(problems.items[0].reason, REASON_NOT_ALLOWLISTED);
	fixture_must_refuse_bind(f, text, CORE_PRECONDITION, REASON_NOT_ALLOWLISTED, &err);
	core_error_clear(&err);
}

static void every_problem_of_every_device_comes_in_order_and_once(void **state)
{
	CLEANUP(core_problems_clear) struct core_problems problems = {0};
	char *texts[] = {"0000:99:00.0", "bad", "0000:01:00.0", "99:00.0", "bad", "0000:03:00.0",
		"Bad", "0000:04:00.0"};
	static const enum core_reason expected[] = {REASON_DEVICE_NOT_FOUND, REASON_INVALID_ADDRESS,
		REASON_NIC_IN_USE, REASON_INVALID_ADDRESS, REASON_DISK_IN_USE};
	struct fixture *f = *state;

	assert_int_equal(validate_with(f, texts, ARRAY_SIZE(texts), NULL, &problems), 0);
	assert_int_equal(problems.count, ARRAY_SIZE(expected));
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		assert_int_equal(problems.items[i].reason, expected[i]);
}

static void one_device_may_have_several_problems(void **state)
{
	CLEANUP(core_problems_clear) struct core_problems problems = {0};
	struct fixture *f = *state;

	tree_remove(f->tree, "sys/devices/pci0000:00/0000:03:00.0/iommu_group");
	validate(f, "0000:03:00.0", &problems);
	assert_int_equal(problems.count, 2);
	assert_int_equal(problems.items[0].reason, REASON_NO_IOMMU_GROUP);
	assert_int_equal(problems.items[1].reason, REASON_NIC_IN_USE);
}

static const struct holder qemu = {.pid = 4242, .command = "qemu"};

static void hold(struct fixture *f, enum hold how, int id)
{
	struct holder holder = qemu;

	holder.hold = how;
	holder.id = id;
	fake_helper_set_holders(f->fake, &holder, 1, 0);
}

static void assert_held(struct fixture *f, const char *what)
{
	CLEANUP(core_problems_clear) struct core_problems problems = {0};

	validate(f, "0000:06:00.0", &problems);
	assert_int_equal(problems.count, 1);
	assert_int_equal(problems.items[0].reason, REASON_VFIO_IN_USE);
	assert_string_equal(
		problems.items[0].message, "device 0000:06:00.0 is in use by qemu (pid 4242)");
	assert_int_equal(problems.items[0].n_holders, 1);
	assert_int_equal(problems.items[0].holders[0].pid, 4242);
	assert_string_equal(problems.items[0].holders[0].command, "qemu");
	assert_string_equal(problems.items[0].holders[0].what, what);
}

static void set_enabled(struct fixture *f, const char *text)
{
	tree_write(f->tree, "sys/bus/pci/devices/0000:06:00.0/enable", "%s\n", text);
}

static void holders_of_the_group_or_the_node_hold_the_device(void **state)
{
	struct fixture *f = *state;

	hold(f, HOLD_GROUP, 9);
	assert_held(f, "/dev/vfio/9");
	hold(f, HOLD_DEVICE, 0);
	assert_held(f, "/dev/vfio/devices/vfio0");
	hold(f, HOLD_GROUP, 8);
	assert_fine(f, "0000:06:00.0");
	hold(f, HOLD_DEVICE, 1);
	assert_fine(f, "0000:06:00.0");
	hold(f, HOLD_DEVICE, -1);
	assert_fine(f, "0000:06:00.0");
}

static void an_anonymous_file_counts_when_it_may_be_this_devices(void **state)
{
	struct fixture *f = *state;
	struct holder holder = qemu;

	hold(f, HOLD_FILE, -1);
	assert_fine(f, "0000:06:00.0");
	set_enabled(f, "1");
	assert_held(f, "VFIO device file");
	hold(f, HOLD_MAPPING, -1);
	assert_held(f, "mapped VFIO device memory");
	set_enabled(f, "0");
	assert_fine(f, "0000:06:00.0");
	holder.hold = HOLD_FILE;
	holder.has_address = 1;
	holder.address = fixture_address("0000:06:00.0");
	fake_helper_set_holders(f->fake, &holder, 1, 0);
	assert_held(f, "VFIO device file");
	holder.address = fixture_address("0000:01:00.0");
	fake_helper_set_holders(f->fake, &holder, 1, 0);
	assert_fine(f, "0000:06:00.0");
}

/* An older kernel's file does not tell whose it is, but its process's nodes do. */
static void an_anonymous_file_of_a_user_of_another_device_is_not_this_ones(void **state)
{
	CLEANUP(core_problems_clear) struct core_problems problems = {0};
	const struct holder other = {.pid = 11, .command = "other"};
	struct holder holders[] = {other, other, other, qemu, qemu};
	struct fixture *f = *state;

	holders[0].hold = HOLD_FILE;
	holders[1].hold = HOLD_GROUP;
	holders[1].id = 1;
	holders[2].hold = HOLD_MAPPING;
	holders[3].hold = HOLD_GROUP;
	holders[3].id = 9;
	holders[4].hold = HOLD_FILE;
	fake_helper_set_holders(f->fake, holders, ARRAY_SIZE(holders), 0);
	set_enabled(f, "1");
	validate(f, "0000:06:00.0", &problems);
	assert_int_equal(problems.count, 1);
	assert_string_equal(
		problems.items[0].message, "device 0000:06:00.0 is in use by qemu (pid 4242)");
	assert_int_equal(problems.items[0].n_holders, 2);
	assert_int_equal(problems.items[0].holders[0].pid, 4242);
	assert_int_equal(problems.items[0].holders[1].pid, 4242);
	/* Whoever else it is, it is in use. */
	fake_helper_set_holders(f->fake, holders, 3, 0);
	assert_refused(f, "0000:06:00.0", REASON_VFIO_IN_USE,
		"device 0000:06:00.0 is in use by a program that could not be found");
}

static void an_enabled_device_without_a_holder_is_suspicious(void **state)
{
	struct fixture *f = *state;

	set_enabled(f, "2");
	assert_refused(f, "0000:06:00.0", REASON_VFIO_IN_USE,
		"device 0000:06:00.0 is in use by a program that could not be found");
}

static void all_holders_are_named(void **state)
{
	CLEANUP(core_problems_clear) struct core_problems problems = {0};
	struct holder holders[HELPER_MAX_HOLDERS];
	struct fixture *f = *state;

	for (int i = 0; i < HELPER_MAX_HOLDERS; i++) {
		holders[i] = qemu;
		holders[i].pid = i + 1;
		holders[i].id = i % 2 ? 9 : 1;
		holders[i].hold = HOLD_GROUP;
	}
	fake_helper_set_holders(f->fake, holders, HELPER_MAX_HOLDERS, 0);
	validate(f, "0000:06:00.0", &problems);
	assert_int_equal(problems.count, 1);
	assert_int_equal(problems.items[0].n_holders, HELPER_MAX_HOLDERS / 2);
	assert_int_equal(problems.items[0].holders[0].pid, 2);
}

/* Who looked and could not see must not say that nobody is there. */
static void holders_that_cannot_be_found_out_are_an_error(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(core_problems_clear) struct core_problems problems = {0};
	struct change_result result;
	char *text = "0000:06:00.0";
	struct fixture *f = *state;

	fake_helper_set_holders(f->fake, NULL, 0, EACCES);
	assert_int_equal(
		host_check(f->host, &text, 1, NULL, fixture_deadline(), &problems, &err), -1);
	assert_true(err.message[0] != '\0');
	core_error_clear(&err);
	assert_int_equal(fixture_unbind(f, text, NULL, &result, &err), -1);
	assert_int_equal(fake_helper_writes(f->fake), 0);
	fixture_assert_driver(f, text, "vfio-pci");
}

static void a_write_under_way_is_pending_for_every_operation(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(fd_cleanup) int folder = -1;
	struct flock lock = {.l_type = F_WRLCK};
	struct change_result result;
	struct fixture *f = *state;

	folder = tree_open_locks(f->tree);
	int fd = openat(folder, "0000:06:00.0", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
	assert_refused(f, "0000:06:00.0", REASON_UNBIND_PENDING,
		"an earlier write to device 0000:06:00.0 has not returned yet");
	fixture_must_refuse_bind(f, "0000:06:00.0", CORE_PRECONDITION, REASON_UNBIND_PENDING, &err);
	core_error_clear(&err);
	assert_int_equal(fixture_unbind(f, "0000:06:00.0", NULL, &result, &err), -1);
	assert_int_equal(err.problems.items[0].reason, REASON_UNBIND_PENDING);
	assert_fine(f, "0000:01:00.0");
	close(fd);
	assert_fine(f, "0000:06:00.0");
}

static void bind_refuses_what_validate_refuses(void **state)
{
	static const struct {
		const char *address;
		enum core_reason reason;
		enum core_code code;
	} rows[] = {
		{"0000:99:00.0", REASON_DEVICE_NOT_FOUND, CORE_NOT_FOUND},
		{"0000:07:00.0", REASON_NO_IOMMU_GROUP, CORE_PRECONDITION},
		{"0000:00:01.0", REASON_IS_BRIDGE, CORE_PRECONDITION},
		{"0000:00:02.0", REASON_BOOT_DISPLAY, CORE_PRECONDITION},
		{"0000:04:00.0", REASON_DISK_IN_USE, CORE_PRECONDITION},
		{"0000:03:00.0", REASON_NIC_IN_USE, CORE_PRECONDITION},
		{"0000:05:00.0", REASON_PF_HAS_VFS, CORE_PRECONDITION},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
		char both[64];

		/* A good one beside it changes nothing. */
		snprintf(both, sizeof(both), "0000:01:00.0 %s", rows[i].address);
		fixture_must_refuse_bind(f, both, rows[i].code, rows[i].reason, &err);
		assert_int_equal(err.problems.count, 1);
		assert_string_equal(err.problems.items[0].subject, rows[i].address);
	}
}

static void addresses_of_a_request_are_judged_before_any_file(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct address_list list = {.count = 5};
	char *texts[TARGETS_MAX + 1];

	(void)state;
	assert_int_equal(address_list_parse(NULL, 0, &list, &err), -1);
	assert_int_equal(err.code, CORE_INVALID);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		texts[i] = i % 2 ? "01:00.0" : "0000:01:00.1";
	assert_int_equal(address_list_parse(texts, ARRAY_SIZE(texts), &list, &err), -1);
	assert_int_equal(err.code, CORE_INVALID);
	assert_int_equal(err.problems.count, 0);
	texts[3] = "bad";
	texts[5] = "/";
	assert_int_equal(address_list_parse(texts, 6, &list, &err), -1);
	assert_int_equal(err.problems.count, 2);
	assert_int_equal(list.count, 5);
	texts[3] = texts[5] = "0000:01:00.0";
	assert_int_equal(address_list_parse(texts, TARGETS_MAX, &list, &err), 0);
	assert_int_equal(list.count, 2);
	assert_int_equal(list.items[0].function, 1);
	assert_int_equal(list.items[1].function, 0);
	address_list_clear(&list);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(free_devices_are_fine),
		TEST(each_reason_has_its_words),
		TEST(a_console_on_a_frame_buffer_is_a_display_in_use),
		TEST(a_claimed_disk_is_in_use_whoever_else_has_it),
		TEST(the_requests_allowlist_counts),
		TEST(the_servers_allowlist_counts_too),
		TEST(every_problem_of_every_device_comes_in_order_and_once),
		TEST(one_device_may_have_several_problems),
		TEST(holders_of_the_group_or_the_node_hold_the_device),
		TEST(an_anonymous_file_counts_when_it_may_be_this_devices),
		TEST(an_anonymous_file_of_a_user_of_another_device_is_not_this_ones),
		TEST(an_enabled_device_without_a_holder_is_suspicious),
		TEST(all_holders_are_named),
		TEST(holders_that_cannot_be_found_out_are_an_error),
		TEST(a_write_under_way_is_pending_for_every_operation),
		TEST(bind_refuses_what_validate_refuses),
		cmocka_unit_test(addresses_of_a_request_are_judged_before_any_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
