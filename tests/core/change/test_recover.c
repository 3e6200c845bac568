/* SPDX-License-Identifier: MIT */
/* Repair at start, of changes that were cut off. */
#include "core/record/store.h"
#include "tests/core/change/changes.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* Leaves an intent behind, as a daemon that is killed right after it; the host is then stopped. */
static void cut_off(struct fixture *f, const char *addresses)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct change_request request = {0};
	CLEANUP(free_cleanup) struct intent *intent = intent_new(CHANGE_BIND, 8);
	struct store *store;

	fixture_request(&request, addresses);
	for (size_t i = 0; i < request.addresses.count; i++) {
		char text[PCI_ADDRESS_SIZE];

		pci_address_format(request.addresses.items[i], text);
		CLEANUP(device_cleanup) struct device *d = fixture_device(f, text);
		struct device_origin *before = &intent->before[intent->n_devices++];
		*before = (struct device_origin){
			.address = d->address, .identity = device_identity_of(d)};
		memcpy(before->driver, d->driver, sizeof(before->driver));
		assert_int_equal(device_inodes(host_devices(f->host), d, &before->binding), 0);
		tree_override(f->tree, text, before->override, sizeof(before->override));
	}
	fixture_stop(f);
	assert_int_equal(
		store_open(tree_state(f->tree), &(struct boot){.id = "simulated"}, &store, &err),
		0);
	assert_int_equal(store_begin(store, intent, &err), 0);
	store_close(store);
	address_list_clear(&request.addresses);
}

static void a_host_without_intents_is_left_alone(void **state)
{
	struct fixture *f = *state;
	struct report report;

	recover(f, &report);
	assert_int_equal(report.count, 0);
	fixture_assert_log(f, "");
}

/* Every state a bind passes through. */
static void a_bind_cut_off_anywhere_is_rolled_back(void **state)
{
	struct fixture *f = *state;
	struct report report;

	tree_set_override(f->tree, "0000:01:00.0", "nvidia");
	CLEANUP(free_cleanup) char *before = tree_snapshot(f->tree);
	for (int progress = 0; progress <= 3; progress++) {
		cut_off(f, "0000:01:00.0 0000:08:00.0");
		if (progress >= 1)
			tree_set_override(f->tree, "0000:01:00.0", "vfio-pci");
		if (progress >= 2)
			tree_unbind(f->tree, "0000:01:00.0");
		if (progress >= 3)
			tree_bind(f->tree, "0000:01:00.0", "vfio-pci");
		fixture_start(f);
		recover(f, &report);
		CLEANUP(free_cleanup) char *after = tree_snapshot(f->tree);
		assert_string_equal(before, after);
		assert_string_equal(report.text,
			"a change to device 0000:08:00.0 was cut off; it is back on no driver\n"
			"a change to device 0000:01:00.0 was cut off; it is back on nvidia\n");
		recover(f, &report);
		assert_int_equal(report.count, 0);
	}
}

static void the_devices_of_a_change_are_rolled_back_last_first(void **state)
{
	struct fixture *f = *state;
	struct report report;

	cut_off(f, GPU " " NIC);
	tree_unbind(f->tree, GPU);
	tree_unbind(f->tree, NIC);
	fixture_start(f);
	recover(f, &report);
	fixture_assert_log(f, "override 0000:02:00.0\n"
			      "bind 0000:02:00.0 e1000e\n"
			      "override 0000:01:00.0\n"
			      "bind 0000:01:00.0 nvidia\n");
}

/* Of two devices that were waited for together, the second one's write blocks anew. */
static void what_is_back_is_not_rolled_back_again(void **state)
{
	struct fixture *f = *state;
	struct report report;

	cut_off(f, GPU " " NIC);
	tree_unbind(f->tree, GPU);
	tree_unbind(f->tree, NIC);
	int first = fixture_block(f, GPU), second = fixture_block(f, NIC);
	fixture_start(f);
	ear_listen(f);
	recover(f, &report);
	assert_int_equal(report.count, 2);
	/* Longer than the thread waits for it. */
	fake_helper_fail(f->fake, &(struct fake_fault){.at = 4, .kind = FAKE_LATE, .error = 2500});
	close(first);
	close(second);
	ear_assert_told(NIC, STATE_HOST, "e1000e");
	ear_wait(2);
	assert_string_equal(ear.address, GPU);
	assert_string_equal(ear.driver, "nvidia");
	ear_assert_over(f, 2);
}

static void an_unbind_cut_off_leaves_the_device_on_vfio_with_its_record(void **state)
{
	struct fixture *f = *state;
	struct report report;

	struct device_origin origin;

	tree_set_override(f->tree, "0000:01:00.0", "kept");
	fixture_must_bind(f, "0000:01:00.0");
	CLEANUP(free_cleanup) char *before = tree_snapshot(f->tree);
	cut_off(f, "0000:01:00.0");
	tree_set_override(f->tree, "0000:01:00.0", "nvidia");
	tree_unbind(f->tree, "0000:01:00.0");
	tree_bind(f->tree, "0000:01:00.0", "nvidia");
	fixture_start(f);
	recover(f, &report);
	CLEANUP(free_cleanup) char *after = tree_snapshot(f->tree);
	assert_string_equal(before, after);
	/* In a binding made anew, which is ours for the next daemon too. */
	fixture_stop(f);
	fixture_start(f);
	recover(f, &report);
	CLEANUP(device_cleanup) struct device *d = fixture_device(f, "0000:01:00.0");
	assert_true(host_origin(f->host, d, &origin));
	fixture_must_unbind(f, "0000:01:00.0");
	fixture_assert_driver(f, "0000:01:00.0", "nvidia");
	fixture_assert_override(f, "0000:01:00.0", "kept");
}

#define BOOT_ID "proc/sys/kernel/random/boot_id"

/* What has the device after a reboot was never ours. */
static void a_change_of_another_boot_is_forgotten_without_a_write(void **state)
{
	struct fixture *f = *state;
	struct report report;
	struct device_origin origin;

	fixture_must_bind(f, NIC);
	cut_off(f, GPU);
	tree_write(f->tree, BOOT_ID, "11111111-1111-1111-1111-111111111111\n");
	/* Another tool's, which would be taken for ours. */
	tree_unbind(f->tree, GPU);
	tree_set_override(f->tree, GPU, "vfio-pci");
	tree_bind(f->tree, GPU, "vfio-pci");
	CLEANUP(free_cleanup) char *before = tree_snapshot(f->tree);
	fixture_start(f);
	recover(f, &report);
	CLEANUP(free_cleanup) char *after = tree_snapshot(f->tree);
	assert_string_equal(before, after);
	fixture_assert_log(f, "");
	assert_string_equal(report.text,
		"a change to device 0000:01:00.0 was cut off by a reboot, which has undone it; nothing is left to do\n");
	assert_int_equal(fixture_state(f, GPU), STATE_VFIO_FOREIGN);
	CLEANUP(device_cleanup) struct device *nic = fixture_device(f, NIC);
	assert_false(host_origin(f->host, nic, &origin));
	recover(f, &report);
	assert_int_equal(report.count, 0);
}

static void a_host_whose_boot_id_cannot_be_read_is_not_served(void **state)
{
	CLEANUP(core_error_clear) struct core_error err = CORE_ERROR_INIT;
	struct fixture *f = *state;
	struct host *host = NULL;

	tree_write(f->tree, BOOT_ID, "no id\n");
	struct host_config config = {.root = tree_root(f->tree),
		.state = tree_state(f->tree),
		.lock_fd = tree_open_locks(f->tree),
		.helper = f->helper};
	assert_int_equal(host_open(&config, &host, &err), -1);
	assert_non_null(strstr(err.message, "boot_id"));
	tree_remove(f->tree, BOOT_ID);
}

/* A virtual machine was started on it while no vfiod ran. */
static void what_a_virtual_machine_has_by_now_stays_with_it(void **state)
{
	const struct holder qemu = {.pid = 7, .command = "qemu", .hold = HOLD_GROUP, .id = 1};
	struct fixture *f = *state;
	struct report report;

	cut_off(f, "0000:01:00.0");
	tree_set_override(f->tree, "0000:01:00.0", "vfio-pci");
	tree_unbind(f->tree, "0000:01:00.0");
	tree_bind(f->tree, "0000:01:00.0", "vfio-pci");
	fixture_start(f);
	fake_helper_set_holders(f->fake, &qemu, 1, 0);
	recover(f, &report);
	assert_non_null(
		strstr(report.text, "it stays as it is, for device 0000:01:00.0 is in use"));
	fixture_assert_log(f, "");
	fixture_stop(f);
	assert_int_equal(fixture_count_intents(f), 0);
	fixture_start(f);
	/* As if the bind had ended, it can be given back. */
	fixture_must_unbind(f, "0000:01:00.0");
	fixture_assert_driver(f, "0000:01:00.0", "nvidia");
}

/* The host has mounted the disk that it was given back. */
static void what_the_host_uses_by_now_stays_with_it(void **state)
{
	struct fixture *f = *state;
	struct report report;

	fixture_must_bind(f, "10000:e1:00.0");
	cut_off(f, "10000:e1:00.0");
	tree_set_override(f->tree, "10000:e1:00.0", "nvme");
	tree_unbind(f->tree, "10000:e1:00.0");
	tree_bind(f->tree, "10000:e1:00.0", "nvme");
	tree_add_disk(f->tree,
		&(struct tree_disk){
			.name = "nvme5n1", .address = "10000:e1:00.0", .mounted_on = "/srv"});
	fixture_start(f);
	recover(f, &report);
	assert_non_null(strstr(report.text, "mounted on /srv"));
	fixture_assert_log(f, "override 10000:e1:00.0\n");
	fixture_assert_override(f, "10000:e1:00.0", "");
	fixture_assert_driver(f, "10000:e1:00.0", "nvme");
	fixture_stop(f);
	assert_int_equal(fixture_count_intents(f), 0);
	fixture_start(f);
}

/* It had none, and somebody gave it one meanwhile: that is not ours to take. */
static void what_another_tool_gave_a_driver_keeps_it(void **state)
{
	struct fixture *f = *state;
	struct report report;

	cut_off(f, "0000:08:00.0");
	tree_set_override(f->tree, "0000:08:00.0", "vfio-pci");
	tree_bind(f->tree, "0000:08:00.0", "nvme");
	fixture_start(f);
	recover(f, &report);
	fixture_assert_driver(f, "0000:08:00.0", "nvme");
	fixture_assert_override(f, "0000:08:00.0", "");
}

static void several_intents_are_rolled_back_newest_first(void **state)
{
	struct fixture *f = *state;
	struct report report;

	cut_off(f, "0000:02:00.0");
	fixture_start(f);
	cut_off(f, "0000:01:00.1");
	tree_unbind(f->tree, "0000:02:00.0");
	tree_unbind(f->tree, "0000:01:00.1");
	fixture_start(f);
	recover(f, &report);
	fixture_assert_driver(f, "0000:02:00.0", "e1000e");
	fixture_assert_driver(f, "0000:01:00.1", "snd_hda_intel");
	assert_true(strstr(report.text, "0000:01:00.1") < strstr(report.text, "0000:02:00.0"));
}

static void another_device_at_the_address_is_not_touched(void **state)
{
	struct fixture *f = *state;
	struct report report;

	cut_off(f, "0000:02:00.0 0000:01:00.1");
	tree_remove_device(f->tree, "0000:02:00.0");
	tree_add_device(f->tree, &(struct tree_device){.address = "0000:02:00.0",
					 .vendor = 0x15b3,
					 .group = 2,
					 .driver = "mlx5_core"});
	tree_remove_device(f->tree, "0000:01:00.1");
	fixture_start(f);
	recover(f, &report);
	fixture_assert_log(f, "");
	fixture_assert_driver(f, "0000:02:00.0", "mlx5_core");
	fixture_stop(f);
	assert_int_equal(fixture_count_intents(f), 0);
	fixture_start(f);
}

static void what_is_stuck_is_tried_again_at_the_next_start(void **state)
{
	struct fixture *f = *state;
	struct report report;

	cut_off(f, "0000:01:00.0 0000:02:00.0");
	tree_unbind(f->tree, "0000:01:00.0");
	tree_unbind(f->tree, "0000:02:00.0");
	fixture_start(f);
	fake_helper_fail(f->fake, &(struct fake_fault){.at = 1,
					  .count = 1000,
					  .address = "0000:01:00.0",
					  .kind = FAKE_ERRNO,
					  .error = EIO});
	recover(f, &report);
	assert_int_equal(report.count, 2);
	assert_non_null(strstr(report.text, "0000:01:00.0 was cut off and could not be undone"));
	fixture_assert_driver(f, "0000:02:00.0", "e1000e");
	fixture_stop(f);
	fixture_start(f);
	recover(f, &report);
	/* The other one has come to its end before. */
	assert_int_equal(report.count, 1);
	fixture_assert_driver(f, "0000:01:00.0", "nvidia");
	fixture_stop(f);
	assert_int_equal(fixture_count_intents(f), 0);
	fixture_start(f);
}

static void *let_go_later(void *arg)
{
	const struct timespec pause = {.tv_nsec = 60000000};

	/* What is waited for is time itself: a write of the last daemon that takes a while. */
	nanosleep(&pause, NULL);
	close(*(int *)arg);
	return NULL;
}

static void a_write_still_under_way_is_waited_for(void **state)
{
	struct flock lock = {.l_type = F_WRLCK};
	struct fixture *f = *state;
	struct report report;
	pthread_t thread;

	cut_off(f, "0000:01:00.0");
	tree_unbind(f->tree, "0000:01:00.0");
	CLEANUP(fd_cleanup) int folder = tree_open_locks(f->tree);
	int fd = openat(folder, "0000:01:00.0", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
	fixture_start(f);
	assert_int_equal(pthread_create(&thread, NULL, let_go_later, &fd), 0);
	recover(f, &report);
	pthread_join(thread, NULL);
	fixture_assert_driver(f, "0000:01:00.0", "nvidia");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, ear_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_host_without_intents_is_left_alone),
		TEST(a_bind_cut_off_anywhere_is_rolled_back),
		TEST(the_devices_of_a_change_are_rolled_back_last_first),
		TEST(what_is_back_is_not_rolled_back_again),
		TEST(an_unbind_cut_off_leaves_the_device_on_vfio_with_its_record),
		TEST(a_change_of_another_boot_is_forgotten_without_a_write),
		TEST(a_host_whose_boot_id_cannot_be_read_is_not_served),
		TEST(what_a_virtual_machine_has_by_now_stays_with_it),
		TEST(what_the_host_uses_by_now_stays_with_it),
		TEST(what_another_tool_gave_a_driver_keeps_it),
		TEST(several_intents_are_rolled_back_newest_first),
		TEST(another_device_at_the_address_is_not_touched),
		TEST(what_is_stuck_is_tried_again_at_the_next_start),
		TEST(a_write_still_under_way_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
