/* SPDX-License-Identifier: MIT */
/* Owner and mode of VFIO's nodes: set, and kept. */
#include "core/base/clock.h"
#include "core/base/util.h"
#include "core/engine.h"
#include "core/use/vfio_nodes.h"
#include "tests/core/fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char GPU[] = "0000:01:00.0", FOREIGN[] = "0000:06:00.0";

static mode_t mode_of(struct fixture *f, const char *path)
{
	char absolute[300];
	struct stat status;

	snprintf(absolute, sizeof(absolute), "%s/%s", tree_root(f->tree), path);
	assert_int_equal(lstat(absolute, &status), 0);
	return status.st_mode & 07777;
}

static void set_mode(struct fixture *f, const char *path, mode_t mode)
{
	char absolute[300];

	snprintf(absolute, sizeof(absolute), "%s/%s", tree_root(f->tree), path);
	assert_int_equal(chmod(absolute, mode), 0);
}

/* Waits for the keeper, which tells nobody what it does. */
static void await_mode(struct fixture *f, const char *path, mode_t mode)
{
	for (int64_t until = fixture_deadline(); mode_of(f, path) != mode;)
		assert_true(now_ns() < until);
}

static struct node_access mine(uint32_t mode)
{
	return (struct node_access){.has_uid = true,
		.has_gid = true,
		.has_mode = true,
		.uid = geteuid(),
		.gid = getegid(),
		.mode = mode};
}

static void both_nodes_are_set(void **state)
{
	struct fixture *f = *state;
	const struct sysfs *sysfs = host_sysfs(f->host);
	struct node_access access = mine(0640);

	assert_false(vfio_node_is_set(sysfs, fixture_address(FOREIGN), &access));
	assert_int_equal(vfio_node_set(sysfs, fixture_address(FOREIGN), &access), 0);
	assert_true(vfio_node_is_set(sysfs, fixture_address(FOREIGN), &access));
	assert_int_equal(mode_of(f, "dev/vfio/9"), 0640);
	assert_int_equal(mode_of(f, "dev/vfio/devices/vfio0"), 0640);
	/* What is not wished for stays. */
	access = (struct node_access){.has_uid = true, .uid = geteuid()};
	assert_int_equal(vfio_node_set(sysfs, fixture_address(FOREIGN), &access), 0);
	assert_int_equal(mode_of(f, "dev/vfio/9"), 0640);
	access = (struct node_access){.has_uid = true, .uid = geteuid() + 1};
	assert_false(vfio_node_is_set(sysfs, fixture_address(FOREIGN), &access));
	access = (struct node_access){.has_gid = true, .gid = getegid() + 1};
	assert_false(vfio_node_is_set(sysfs, fixture_address(FOREIGN), &access));
	/* One of the two is not enough. */
	access = mine(0640);
	set_mode(f, "dev/vfio/devices/vfio0", 0600);
	assert_false(vfio_node_is_set(sysfs, fixture_address(FOREIGN), &access));
	/* There may be no cdev. */
	tree_remove(f->tree, "dev/vfio/devices/vfio0");
	assert_true(vfio_node_is_set(sysfs, fixture_address(FOREIGN), &access));
	assert_int_equal(vfio_node_set(sysfs, fixture_address(FOREIGN), &access), 0);
}

/* More would be asked for again and again. */
static void no_bit_but_owners_and_groups_is_ever_set(void **state)
{
	struct fixture *f = *state;
	const struct node_access access = {.has_mode = true, .mode = 07777};

	assert_int_equal(vfio_node_set(host_sysfs(f->host), fixture_address(FOREIGN), &access), 0);
	assert_int_equal(mode_of(f, "dev/vfio/9"), 0660);
	assert_true(vfio_node_is_set(host_sysfs(f->host), fixture_address(FOREIGN), &access));
}

static void what_is_no_device_is_not_touched(void **state)
{
	struct fixture *f = *state;
	const struct sysfs *sysfs = host_sysfs(f->host);
	const struct node_access access = mine(0660);

	assert_int_equal(vfio_node_set(sysfs, fixture_address(GPU), &access), ENOENT);
	assert_false(vfio_node_is_set(sysfs, fixture_address(GPU), &access));
	assert_int_equal(vfio_node_set(sysfs, fixture_address("0000:99:00.0"), &access), ENOENT);
	tree_remove(f->tree, "dev/vfio/9");
	tree_write(f->tree, "dev/vfio/9", "a file");
	set_mode(f, "dev/vfio/9", 0600);
	assert_int_equal(vfio_node_set(sysfs, fixture_address(FOREIGN), &access), EINVAL);
	assert_int_equal(mode_of(f, "dev/vfio/9"), 0600);
	tree_remove(f->tree, "dev/vfio/9");
	tree_write(f->tree, "dev/elsewhere", "a file");
	set_mode(f, "dev/elsewhere", 0600);
	tree_link(f->tree, "dev/vfio/9", "dev/elsewhere");
	assert_int_equal(vfio_node_set(sysfs, fixture_address(FOREIGN), &access), EINVAL);
	assert_int_equal(mode_of(f, "dev/elsewhere"), 0600);
}

static void a_group_without_an_iommu_has_another_name(void **state)
{
	struct fixture *f = *state;
	const struct node_access access = mine(0660);
	char from[300], to[300];

	snprintf(from, sizeof(from), "%s/dev/vfio/9", tree_root(f->tree));
	snprintf(to, sizeof(to), "%s/dev/vfio/noiommu-9", tree_root(f->tree));
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(vfio_node_set(host_sysfs(f->host), fixture_address(FOREIGN), &access), 0);
	assert_int_equal(mode_of(f, "dev/vfio/noiommu-9"), 0660);
}

/* Between the look and the write the device may have gone to another user. */
static void the_nodes_of_another_binding_are_not_set(void **state)
{
	struct fixture *f = *state;
	const struct sysfs *sysfs = host_sysfs(f->host);
	struct node_access access = mine(0640);
	struct device_inodes now;

	CLEANUP(device_cleanup) struct device *d = fixture_device(f, FOREIGN);
	assert_int_equal(device_inodes(host_devices(f->host), d, &now), 0);
	access.link = now.link + 1;
	assert_int_equal(vfio_node_set(sysfs, d->address, &access), ESTALE);
	assert_false(vfio_node_is_set(sysfs, d->address, &access));
	access.link = now.link;
	assert_int_equal(vfio_node_set(sysfs, d->address, &access), 0);
	assert_true(vfio_node_is_set(sysfs, d->address, &access));
}

static void bind(struct fixture *f, const char *address, struct node_access access)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	const struct change_request wish = {.access = access};
	struct change_result result;

	if (fixture_bind(f, address, &wish, &result, &err))
		fail_msg("%s", err.message);
	change_result_clear(&result);
}

static void a_bound_devices_node_is_set_and_kept(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct fixture *f = *state;

	bind(f, GPU, mine(0660));
	/* At once, for the virtual machine is started next. */
	assert_int_equal(mode_of(f, "dev/vfio/1"), 0660);
	/* udev's rules run once more. */
	set_mode(f, "dev/vfio/1", 0600);
	await_mode(f, "dev/vfio/1", 0660);
	set_mode(f, "dev/vfio/devices/vfio1", 0600);
	await_mode(f, "dev/vfio/devices/vfio1", 0660);
	/* Nobody wished anything for others. */
	assert_int_equal(mode_of(f, "dev/vfio/9"), 0600);
	/* A new daemon keeps it too. */
	fixture_stop(f);
	set_mode(f, "dev/vfio/1", 0600);
	fixture_start(f);
	assert_int_equal(host_recover(f->host, NULL, NULL, &err), 0);
	await_mode(f, "dev/vfio/1", 0660);
	/* Until it is given back. */
	fixture_must_unbind(f, GPU);
	assert_false(tree_exists(f->tree, "dev/vfio/1"));
}

static void a_bound_devices_wish_may_be_changed(void **state)
{
	struct fixture *f = *state;

	bind(f, GPU, mine(0660));
	fake_helper_clear(f->fake);
	bind(f, GPU, mine(0640));
	assert_int_equal(fake_helper_writes(f->fake), 0);
	assert_int_equal(mode_of(f, "dev/vfio/1"), 0640);
	set_mode(f, "dev/vfio/1", 0600);
	await_mode(f, "dev/vfio/1", 0640);
	/* A request that wishes nothing changes nothing of it. */
	fixture_must_bind(f, GPU);
	set_mode(f, "dev/vfio/1", 0600);
	await_mode(f, "dev/vfio/1", 0640);
}

/* The device next to it shows that the keeper has looked at all. */
static void await_a_look(struct fixture *f)
{
	set_mode(f, "dev/vfio/2", 0600);
	await_mode(f, "dev/vfio/2", 0660);
}

static void the_owner_of_an_earlier_binding_gets_nothing(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct fixture *f = *state;

	bind(f, GPU, mine(0660));
	bind(f, "0000:02:00.0", mine(0660));
	tree_unbind(f->tree, GPU);
	tree_bind(f->tree, GPU, "vfio-pci");
	await_a_look(f);
	assert_int_equal(mode_of(f, "dev/vfio/1"), 0600);
	/* Nor by the next daemon. */
	fixture_stop(f);
	fixture_start(f);
	assert_int_equal(host_recover(f->host, NULL, NULL, &err), 0);
	await_a_look(f);
	assert_int_equal(mode_of(f, "dev/vfio/1"), 0600);
}

/* A wish for a group's node is for the devices that are ours in it. */
static void a_stale_record_gets_no_wish_of_its_neighbour(void **state)
{
	struct fixture *f = *state;
	struct device_origin origin;

	bind(f, "0000:01:00.0 0000:01:00.1", mine(0640));
	tree_unbind(f->tree, "0000:01:00.1");
	tree_bind(f->tree, "0000:01:00.1", "vfio-pci");
	bind(f, GPU, mine(0660));
	CLEANUP(device_cleanup) struct device *audio = fixture_device(f, "0000:01:00.1");
	assert_false(host_origin(f->host, audio, &origin));
}

static void a_dry_run_sets_nothing(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	const struct change_request dry = {.access = mine(0660), .dry_run = true};
	struct fixture *f = *state;
	struct change_result result;

	fixture_must_bind(f, GPU);
	fake_helper_clear(f->fake);
	assert_int_equal(fixture_bind(f, "0000:01:00.0 0000:02:00.0", &dry, &result, &err), 0);
	change_result_clear(&result);
	fixture_assert_log(f, "");
	assert_int_equal(mode_of(f, "dev/vfio/1"), 0600);
}

static void end_udev(void *arg)
{
	struct fixture *f = arg;

	tree_remove(f->tree, "run/udev/queue");
}

/* While udev has events to work on, it would set the node after us. */
static void udev_is_waited_for(void **state)
{
	struct fixture *f = *state;

	tree_write(f->tree, "run/udev/queue", "%s", "");
	int64_t start = now_ns();
	bind(f, GPU, mine(0660));
	/* One that never rests is not waited for forever. */
	int64_t waited = now_ns() - start;
	assert_true(waited >= 4000000000 && waited <= 15000000000);
	assert_int_equal(mode_of(f, "dev/vfio/1"), 0660);
	fixture_must_unbind(f, GPU);
	/* One that rests when the device is bound is not waited for longer. */
	fake_helper_clear(f->fake);
	fake_helper_after(f->fake, 3, end_udev, f);
	start = now_ns();
	bind(f, GPU, mine(0640));
	assert_true(now_ns() - start < 4000000000);
	assert_int_equal(mode_of(f, "dev/vfio/1"), 0640);
}

static void spoil_node(void *arg)
{
	struct fixture *f = arg;

	tree_remove(f->tree, "dev/vfio/1");
	tree_write(f->tree, "dev/vfio/1", "no device");
}

static void nodes_that_cannot_be_set_undo_the_bind(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	const struct change_request wish = {.access = mine(0660)};
	struct fixture *f = *state;
	CLEANUP(free_cleanup) char *before = tree_snapshot(f->tree);
	struct change_result result;

	fake_helper_after(f->fake, 3, spoil_node, f);
	assert_int_equal(fixture_bind(f, GPU, &wish, &result, &err), -1);
	assert_int_equal(err.code, CORE_ABORTED);
	assert_int_equal(err.problems.items[0].reason, REASON_NODE_NOT_SET);
	assert_string_equal(err.problems.items[0].subject, GPU);
	assert_true(err.problems.items[0].action[0] != '\0');
	CLEANUP(free_cleanup) char *after = tree_snapshot(f->tree);
	assert_string_equal(before, after);
}

static void spoil_other_node(void *arg)
{
	struct fixture *f = arg;

	tree_remove(f->tree, "dev/vfio/2");
	tree_write(f->tree, "dev/vfio/2", "no device");
}

/* All or nothing holds for nodes too: a device that stays bound keeps those it had. */
static void nodes_of_bound_devices_come_back_when_another_fails(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	const struct change_request wish = {.access = mine(0660)};
	struct fixture *f = *state;
	struct change_result result;
	struct device_origin origin;

	bind(f, GPU, mine(0640));
	fake_helper_clear(f->fake);
	fake_helper_after(f->fake, 3, spoil_other_node, f);
	assert_int_equal(fixture_bind(f, "0000:01:00.0 0000:02:00.0", &wish, &result, &err), -1);
	assert_int_equal(err.problems.items[0].reason, REASON_NODE_NOT_SET);
	assert_int_equal(err.problems.count, 1);
	assert_int_equal(mode_of(f, "dev/vfio/1"), 0640);
	fixture_assert_driver(f, GPU, "vfio-pci");
	fixture_assert_driver(f, "0000:02:00.0", "e1000e");
	CLEANUP(device_cleanup) struct device *d = fixture_device(f, GPU);
	assert_true(host_origin(f->host, d, &origin));
	assert_int_equal(origin.access.mode, 0640);
}

static void pull_the_card(void *arg)
{
	struct fixture *f = arg;

	tree_remove_device(f->tree, "0000:02:00.0");
}

/* What was done was done, also when the device is gone before the answer. */
static void a_device_that_leaves_after_its_bind_was_bound(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	CLEANUP(change_result_clear) struct change_result result = {0};
	const struct change_request wish = {.access = mine(0660)};
	struct fixture *f = *state;

	fake_helper_after(f->fake, 4, pull_the_card, f);
	assert_int_equal(fixture_bind(f, "0000:02:00.0", &wish, &result, &err), 0);
	assert_int_equal(result.n_devices, 1);
	assert_string_equal(result.devices[0].device->text, "0000:02:00.0");
	assert_string_equal(result.devices[0].driver, "vfio-pci");
	assert_string_equal(result.devices[0].original_driver, "e1000e");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(both_nodes_are_set),
		TEST(no_bit_but_owners_and_groups_is_ever_set),
		TEST(what_is_no_device_is_not_touched),
		TEST(a_group_without_an_iommu_has_another_name),
		TEST(a_bound_devices_node_is_set_and_kept),
		TEST(a_bound_devices_wish_may_be_changed),
		TEST(the_nodes_of_another_binding_are_not_set),
		TEST(the_owner_of_an_earlier_binding_gets_nothing),
		TEST(a_stale_record_gets_no_wish_of_its_neighbour),
		TEST(a_dry_run_sets_nothing),
		TEST(udev_is_waited_for),
		TEST(nodes_that_cannot_be_set_undo_the_bind),
		TEST(nodes_of_bound_devices_come_back_when_another_fails),
		TEST(a_device_that_leaves_after_its_bind_was_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
