/* SPDX-License-Identifier: MIT */
/* Readers of the device table, while devices change, leave and come. */
#include "core/base/util.h"
#include "tests/core/fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { READERS = 3 };

struct watch {
	struct devices *devices;
	struct pci_address address;
	uint16_t vendor;
	const char *drivers[3]; /* that it may be seen with */
	bool may_be_gone;
	atomic_bool stop;
	atomic_uint looks;
};

static bool is_allowed(const struct watch *w, const char *driver)
{
	for (size_t i = 0; i < ARRAY_SIZE(w->drivers); i++) {
		if (w->drivers[i] && strcmp(w->drivers[i], driver) == 0)
			return true;
	}
	return false;
}

static void *give_up(struct watch *w, char *complaint)
{
	atomic_store(&w->stop, true);
	return complaint;
}

static void *look(void *arg)
{
	struct watch *w = arg;

	while (!atomic_load(&w->stop)) {
		struct device *d = devices_get_or_null(w->devices, w->address);

		atomic_fetch_add(&w->looks, 1);
		if (!d && w->may_be_gone)
			continue;
		if (!d)
			return give_up(w, "the device was lost");
		char *complaint = d->vendor != w->vendor      ? "another device"
				  : !is_allowed(w, d->driver) ? "a driver it never had"
							      : NULL;
		device_unref(d);
		if (complaint)
			return give_up(w, complaint);
	}
	return NULL;
}

/* Runs the change again and again under the eyes of readers. */
static void under_watch(
	struct watch *w, void (*change)(struct fixture *f, int i), struct fixture *f, int rounds)
{
	pthread_t threads[READERS];
	void *complaint;

	w->devices = host_devices(f->host);
	for (int i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, look, w), 0);
	for (int i = 0; !atomic_load(&w->stop) && (i < rounds || atomic_load(&w->looks) < 5000);
		i++)
		change(f, i);
	atomic_store(&w->stop, true);
	for (int i = 0; i < READERS; i++) {
		pthread_join(threads[i], &complaint);
		if (complaint)
			fail_msg("%s", (char *)complaint);
	}
}

static void rebind(struct fixture *f, int i)
{
	tree_unbind(f->tree, "0000:02:00.0");
	tree_bind(f->tree, "0000:02:00.0", i % 2 ? "e1000e" : "vfio-pci");
}

static void readers_see_a_device_whole_while_it_is_rebound(void **state)
{
	struct fixture *f = *state;
	struct watch w = {.address = fixture_address("0000:02:00.0"),
		.vendor = 0x8086,
		.drivers = {"", "e1000e", "vfio-pci"}};

	under_watch(&w, rebind, f, 600);
}

/* A device without a driver and without an id counts as one that left. Renaming is the fastest way
 * to make it leave: readers must now and then have found it when it goes. */
static void leave_and_return(struct fixture *f, int i)
{
	static const char *const names[] = {"vendor", "vendor-away"};
	int fd = host_sysfs(f->host)->devices_fd;
	char from[64], to[64];

	(void)i;
	for (int turn = 0; turn < 50; turn++) {
		snprintf(from, sizeof(from), "0000:08:00.0/%s", names[turn % 2]);
		snprintf(to, sizeof(to), "0000:08:00.0/%s", names[1 - turn % 2]);
		assert_int_equal(renameat(fd, from, fd, to), 0);
	}
}

static void readers_survive_a_device_that_comes_and_goes(void **state)
{
	struct fixture *f = *state;
	struct watch w = {.address = fixture_address("0000:08:00.0"),
		.vendor = 0x1e49,
		.drivers = {""},
		.may_be_gone = true};

	under_watch(&w, leave_and_return, f, 1000);
}

static void replug(struct fixture *f, int i)
{
	(void)i;
	tree_remove_device(f->tree, "0000:02:00.0");
	tree_add_device(f->tree,
		&(struct tree_device){
			.address = "0000:02:00.0", .vendor = 0x8086, .device = 0x10d3, .group = 2});
}

static void readers_survive_a_device_that_is_replaced(void **state)
{
	struct fixture *f = *state;
	struct watch w = {.address = fixture_address("0000:02:00.0"),
		.vendor = 0x8086,
		.drivers = {"", "e1000e"},
		.may_be_gone = true};

	under_watch(&w, replug, f, 300);
}

static void grow(struct fixture *f, int i)
{
	char address[PCI_ADDRESS_SIZE];

	pci_address_format(
		(struct pci_address){7, (uint8_t)(i / 32), (uint8_t)(i % 32), 0}, address);
	if (i >= 1000)
		return;
	tree_add_device(f->tree, &(struct tree_device){.address = address, .vendor = 1});
	struct device *d = fixture_device(f, address);
	device_unref(d);
}

static void readers_survive_the_table_growing(void **state)
{
	struct fixture *f = *state;
	struct watch w = {.address = fixture_address("0000:02:00.0"),
		.vendor = 0x8086,
		.drivers = {"e1000e"}};

	under_watch(&w, grow, f, 1000);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(readers_see_a_device_whole_while_it_is_rebound),
		TEST(readers_survive_a_device_that_comes_and_goes),
		TEST(readers_survive_a_device_that_is_replaced),
		TEST(readers_survive_the_table_growing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
