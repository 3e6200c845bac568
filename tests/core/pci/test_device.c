/* SPDX-License-Identifier: MIT */
/* Devices and their table. */
#include "core/base/util.h"
#include "core/pci/real.h"
#include "tests/core/fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static struct device *get(struct fixture *f, const char *text)
{
	return devices_get_or_null(host_devices(f->host), fixture_address(text));
}

/* Why the device cannot be had: a negative errno. */
static int get_error(struct fixture *f, const char *text)
{
	CLEANUP(device_cleanup) struct device *d = NULL;

	return devices_get(host_devices(f->host), fixture_address(text), &d);
}

static void a_gpu_is_read_whole(void **state)
{
	struct fixture *f = *state;
	CLEANUP(device_cleanup) struct device *d = get(f, "0000:01:00.0");

	assert_string_equal(d->text, "0000:01:00.0");
	assert_int_equal(d->vendor, 0x10de);
	assert_int_equal(d->device, 0x2204);
	assert_int_equal(d->subsystem_vendor, 0x1043);
	assert_int_equal(d->subsystem_device, 0x87d5);
	assert_int_equal(d->class, 0x030000);
	assert_int_equal(d->revision, 0xa1);
	assert_string_equal(d->driver, "nvidia");
	assert_int_equal(d->group, 1);
	assert_int_equal(d->numa_node, 0);
	assert_false(d->is_bridge || d->boot_vga || d->is_virtual);
	assert_string_equal(d->reset_methods, "flr bus");
	assert_string_equal(d->local_cpus, "0-7");
	assert_int_equal(d->n_regions, 3);
	assert_int_equal(d->regions[0].index, 0);
	assert_int_equal(d->regions[0].type, REGION_MEMORY);
	assert_int_equal(d->regions[0].size, 16 << 20);
	assert_int_equal(d->regions[1].index, 1);
	assert_int_equal(d->regions[1].type, REGION_PREFETCHABLE);
	assert_int_equal(d->regions[1].size, 256 << 20);
	assert_int_equal(d->regions[2].index, 3);
	assert_int_equal(d->regions[2].type, REGION_IO);
	assert_int_equal(d->regions[2].size, 128);
	assert_false(device_is_vfio(host_devices(f->host), d));
}

/* The header tells what leads to another bus, and the kernel shows that bus; the class does not. */
static void a_bridge_is_told_by_its_header(void **state)
{
	static const struct {
		unsigned class;
		bool has_bus, is_bridge;
		const char *host_part;
	} rows[] = {
		{0x068000, false, false, NULL}, /* an NVSwitch */
		{0x068000, true, true, NULL},
		{0x060400, false, true, NULL},
		{0x060700, false, true, NULL},
		{0x088000, true, true, NULL},
		{0x060000, false, true, "host bridge"},
		{0x060100, false, true, "ISA bridge"},
		{0x060200, false, true, "EISA bridge"},
		{0x060300, false, true, "MCA bridge"},
		{0x010600, false, false, NULL},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char address[PCI_ADDRESS_SIZE], path[96];

		pci_address_format((struct pci_address){0, 0x50, (uint8_t)i, 0}, address);
		tree_add_device(f->tree, &(struct tree_device){.address = address,
						 .vendor = 0x10de,
						 .class = rows[i].class,
						 .group = 60});
		snprintf(
			path, sizeof(path), "sys/bus/pci/devices/%s/secondary_bus_number", address);
		if (rows[i].has_bus)
			tree_write(f->tree, path, "%d\n", 7);
		CLEANUP(device_cleanup) struct device *d = get(f, address);
		assert_int_equal(d->is_bridge, rows[i].is_bridge);
		if (rows[i].host_part)
			assert_string_equal(device_host_part(d), rows[i].host_part);
		else
			assert_null(device_host_part(d));
	}
}

/* Where CPUs of two sockets take turns, the list has every second number. */
static void a_long_list_of_cpus_is_read_whole(void **state)
{
	struct fixture *f = *state;
	char list[1024] = "0";

	for (unsigned i = 2; i < 448; i += 2)
		snprintf(list + strlen(list), sizeof(list) - strlen(list), ",%u", i);
	tree_write(f->tree, "sys/bus/pci/devices/0000:02:00.0/local_cpulist", "%s\n", list);
	struct device *d = get(f, "0000:02:00.0");
	assert_string_equal(d->local_cpus, list);
	device_unref(d);
	/* What is read again for another driver keeps it. */
	tree_unbind(f->tree, "0000:02:00.0");
	d = get(f, "0000:02:00.0");
	assert_string_equal(d->driver, "");
	assert_string_equal(d->local_cpus, list);
	device_unref(d);
}

static void a_region_of_the_group_is_known(void **state)
{
	struct fixture *f = *state;

	tree_write(f->tree, "sys/kernel/iommu_groups/2/reserved_regions",
		"0x7d000000 0x7d7fffff direct-relaxable\n0xfee00000 0xfeefffff msi\n%s",
		"0x00000000000e8000 0x00000000000e8fff direct\n0x1 0x2 direct\n");
	struct device *d = get(f, "0000:02:00.0");
	assert_string_equal(d->direct_region, "0xe8000-0xe8fff");
	device_unref(d);
	d = get(f, "0000:01:00.0");
	assert_string_equal(d->direct_region, "");
	device_unref(d);
	/* What is there and cannot be read may be one. */
	tree_remove(f->tree, "sys/kernel/iommu_groups/1/reserved_regions");
	tree_write(f->tree, "sys/kernel/iommu_groups/1/reserved_regions/x", "%s", "");
	tree_unbind(f->tree, "0000:01:00.0");
	assert_int_equal(get_error(f, "0000:01:00.0"), -EISDIR);
}

static void names_of_drivers_may_have_blanks(void **state)
{
	static const char *const good[] = {"vfio-pci", "TBSECP3 driver", "a,b=c (d)", "x."};
	static const char *const bad[] = {"", ".", "..", ".x", "a/b", "a\n", "\xc3\xa9", "a\x7f"};
	char text[DRIVER_NAME_SIZE + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(driver_name_is_safe(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(driver_name_is_safe(bad[i]));
	memset(text, 'x', DRIVER_NAME_SIZE);
	text[DRIVER_NAME_SIZE] = '\0';
	assert_false(driver_name_is_safe(text));
	assert_true(driver_name_is_safe(text + 1));
}

static void what_a_device_lacks_is_said_so(void **state)
{
	struct fixture *f = *state;
	struct device *d = get(f, "0000:08:00.0");

	assert_string_equal(d->driver, "");
	assert_int_equal(d->numa_node, -1);
	device_unref(d);
	d = get(f, "0000:07:00.0");
	assert_int_equal(d->group, -1);
	device_unref(d);
	d = get(f, "0000:00:01.0");
	assert_true(d->is_bridge);
	device_unref(d);
	d = get(f, "0000:00:02.0");
	assert_true(d->boot_vga);
	device_unref(d);
	d = get(f, "10000:e1:00.0");
	assert_int_equal(d->address.domain, 0x10000);
	assert_string_equal(d->text, "10000:e1:00.0");
	device_unref(d);
}

static void virtual_functions_know_their_physical_one(void **state)
{
	struct fixture *f = *state;
	struct device *pf = get(f, "0000:05:00.0"), *vf = get(f, "0000:05:10.2");

	assert_int_equal(pf->total_vfs, 7);
	assert_int_equal(device_num_vfs(host_devices(f->host), pf), 2);
	assert_false(pf->is_virtual);
	assert_true(vf->is_virtual);
	assert_true(pci_address_equal(vf->physfn, pf->address));
	assert_int_equal(device_num_vfs(host_devices(f->host), vf), 0);
	device_unref(pf);
	device_unref(vf);
}

static void a_vfio_device_has_its_node_while_bound(void **state)
{
	struct fixture *f = *state;
	struct devices *devices = host_devices(f->host);
	struct device *d = get(f, "0000:06:00.0");
	char name[16], tiny[4];

	assert_true(device_is_vfio(devices, d));
	device_vfio_name(devices, d, name, sizeof(name));
	assert_string_equal(name, "vfio0");
	device_vfio_name(devices, d, tiny, sizeof(tiny));
	assert_string_equal(tiny, "");
	device_unref(d);
	tree_unbind(f->tree, "0000:06:00.0");
	d = get(f, "0000:06:00.0");
	assert_false(device_is_vfio(devices, d));
	device_vfio_name(devices, d, name, sizeof(name));
	assert_string_equal(name, "");
	device_unref(d);
	/* A variant driver is told by the folder, whatever its name. */
	tree_bind(f->tree, "0000:06:00.0", "nvgrace_gpu_vfio_pci");
	d = get(f, "0000:06:00.0");
	assert_true(device_is_vfio(devices, d));
	device_unref(d);
	/* And vfio-pci on a kernel without such folders. */
	tree_unbind(f->tree, "0000:06:00.0");
	tree_bind(f->tree, "0000:06:00.0", "vfio-pci");
	tree_remove(f->tree, "sys/devices/pci0000:00/0000:06:00.0/vfio-dev");
	d = get(f, "0000:06:00.0");
	assert_true(device_is_vfio(devices, d));
	device_unref(d);
}

static void identity_is_read_once(void **state)
{
	struct fixture *f = *state;
	struct device *first = get(f, "0000:02:00.0"), *second;

	tree_write(f->tree, "sys/bus/pci/devices/0000:02:00.0/revision", "0x77\n");
	second = get(f, "0000:02:00.0");
	assert_ptr_equal(first, second);
	device_unref(first);
	device_unref(second);
}

static void a_change_of_driver_is_noticed_and_old_references_stay_whole(void **state)
{
	struct fixture *f = *state;
	struct device *before = get(f, "0000:02:00.0");

	tree_unbind(f->tree, "0000:02:00.0");
	struct device *between = get(f, "0000:02:00.0");
	assert_string_equal(between->driver, "");
	tree_bind(f->tree, "0000:02:00.0", "vfio-pci");
	struct device *after = get(f, "0000:02:00.0");
	assert_string_equal(after->driver, "vfio-pci");
	assert_string_equal(before->driver, "e1000e");
	assert_int_equal(before->vendor, after->vendor);
	device_unref(before);
	device_unref(between);
	device_unref(after);
}

static void a_group_that_comes_later_is_noticed(void **state)
{
	struct fixture *f = *state;
	struct device *d = get(f, "0000:07:00.0");

	assert_int_equal(d->group, -1);
	device_unref(d);
	tree_link(f->tree, "sys/devices/pci0000:00/0000:07:00.0/iommu_group",
		"sys/kernel/iommu_groups/55");
	d = get(f, "0000:07:00.0");
	assert_int_equal(d->group, 55);
	device_unref(d);
}

static void a_removed_device_is_gone_and_its_successor_is_another(void **state)
{
	struct fixture *f = *state;
	struct device *old = get(f, "0000:02:00.0");

	tree_remove_device(f->tree, "0000:02:00.0");
	assert_int_equal(get_error(f, "0000:02:00.0"), -ENOENT);
	tree_add_device(f->tree, &(struct tree_device){.address = "0000:02:00.0",
					 .vendor = 0x15b3,
					 .device = 0x101d,
					 .group = 2,
					 .driver = "e1000e"});
	struct device *new = get(f, "0000:02:00.0");
	assert_int_equal(new->vendor, 0x15b3);
	assert_int_equal(old->vendor, 0x8086);
	device_unref(new);
	/* Without anybody looking in between. */
	tree_remove_device(f->tree, "0000:02:00.0");
	tree_add_device(f->tree, &(struct tree_device){.address = "0000:02:00.0",
					 .vendor = 0x1af4,
					 .device = 0x1041,
					 .group = 2,
					 .driver = "e1000e"});
	new = get(f, "0000:02:00.0");
	assert_int_equal(new->vendor, 0x1af4);
	device_unref(new);
	device_unref(old);
}

static void an_unknown_device_is_not_found(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(get_error(f, "0000:99:00.0"), -ENOENT);
	device_unref(NULL);
}

static void a_device_with_nonsense_for_ids_is_an_error(void **state)
{
	static const char *const nonsense[] = {"", "x", "0x10000", "-1", "0x10de 0x10de"};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(nonsense); i++) {
		tree_write(f->tree, "sys/bus/pci/devices/0000:02:00.0/vendor", "%s\n", nonsense[i]);
		assert_int_equal(get_error(f, "0000:02:00.0"), -EINVAL);
	}
	tree_write(f->tree, "sys/bus/pci/devices/0000:02:00.0/vendor", "0x8086\n");
	struct device *d = get(f, "0000:02:00.0");
	assert_non_null(d);
	device_unref(d);
}

static void hostile_optional_attributes_are_unknown(void **state)
{
	struct fixture *f = *state;
	char path[96];
	static const char *const names[] = {"numa_node", "revision", "reset_method",
		"local_cpulist", "subsystem_vendor", "resource", "sriov_totalvfs"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "sys/bus/pci/devices/0000:02:00.0/%s", names[i]);
		tree_write(f->tree, path, "%0*d nonsense", 5000, 7);
	}
	CLEANUP(device_cleanup) struct device *d = get(f, "0000:02:00.0");
	assert_non_null(d);
	assert_int_equal(d->numa_node, -1);
	assert_int_equal(d->subsystem_vendor, 0);
	assert_string_equal(d->reset_methods, "");
	assert_string_equal(d->local_cpus, "");
	assert_int_equal(d->n_regions, 0);
	assert_int_equal(d->total_vfs, 0);
}

static void the_list_is_sorted_and_holds_addresses_only(void **state)
{
	struct fixture *f = *state;
	CLEANUP(free_cleanup) struct pci_address *list = NULL;
	size_t n;

	tree_write(f->tree, "sys/bus/pci/devices/not-a-device", "%s", "");
	assert_int_equal(devices_list(host_devices(f->host), &list, &n), 0);
	assert_int_equal(n, 14);
	for (size_t i = 1; i < n; i++)
		assert_true(pci_address_compare(&list[i - 1], &list[i]) < 0);
	assert_int_equal(list[n - 1].domain, 0x10000);
}

static void a_host_without_pci_has_no_devices(void **state)
{
	struct tree *tree = tree_new();
	struct core_error err = CORE_ERROR_INIT;
	struct sysfs sysfs;
	struct devices *devices;
	struct device *d = NULL;
	struct pci_address *list;
	size_t n = 1;

	(void)state;
	tree_remove(tree, "sys/bus/pci");
	assert_int_equal(sysfs_open(&sysfs, tree_root(tree)), 0);
	assert_int_equal(devices_new(&sysfs, NULL, &devices, &err), 0);
	assert_int_equal(devices_list(devices, &list, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(devices_get(devices, fixture_address("0000:01:00.0"), &d), -ENOENT);
	devices_free(devices);
	sysfs_close(&sysfs);
	tree_free(tree);
	devices_free(NULL);
}

enum { CROWD = 5000 };

static struct pci_address crowd_address(unsigned i)
{
	return (struct pci_address){1 + i / 4096, (uint8_t)(i / 16), (uint8_t)(i % 16), 0};
}

static void add_crowd(struct tree *tree, unsigned n)
{
	char address[PCI_ADDRESS_SIZE];

	for (unsigned i = 0; i < n; i++) {
		pci_address_format(crowd_address(i), address);
		tree_add_device(tree,
			&(struct tree_device){.address = address, .vendor = 0x1af4, .device = i});
	}
}

/* Gets every device of a crowd; what they are must be right. */
static void get_crowd(struct devices *devices, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct device *d = NULL;
		int error = devices_get(devices, crowd_address(i), &d);

		if (error) {
			fail_msg("device %u: %s", i, strerror(-error));
			return;
		}
		assert_int_equal(d->device, i);
		device_unref(d);
	}
}

static int with_crowd(unsigned n, rlim_t fds)
{
	struct core_error err = CORE_ERROR_INIT;
	struct tree *tree = tree_new();
	struct rlimit before, limit;
	struct sysfs sysfs;
	struct devices *devices;
	int spare[16];

	add_crowd(tree, n);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = (struct rlimit){.rlim_cur = fds, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(sysfs_open(&sysfs, tree_root(tree)), 0);
	assert_int_equal(devices_new(&sysfs, NULL, &devices, &err), 0);
	get_crowd(devices, n);
	get_crowd(devices, n);
	/* The cache leaves descriptors for the rest of the program. */
	for (size_t i = 0; i < ARRAY_SIZE(spare); i++) {
		spare[i] = dup(sysfs.root_fd);
		assert_true(spare[i] >= 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(spare); i++)
		close(spare[i]);
	devices_free(devices);
	sysfs_close(&sysfs);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	tree_free(tree);
	return 0;
}

static void five_thousand_devices_fit(void **state)
{
	(void)state;
	with_crowd(CROWD, 8192);
}

static void past_the_limit_on_descriptors_it_goes_by_paths(void **state)
{
	(void)state;
	with_crowd(300, 128);
}

static void pulling_and_plugging_many_times_loses_nothing(void **state)
{
	struct fixture *f = *state;
	struct tree_device plugged = {.address = "0000:20:00.0", .vendor = 0x1af4, .device = 1};

	for (int i = 0; i < 400; i++) {
		tree_add_device(f->tree, &plugged);
		struct device *d = get(f, plugged.address);
		assert_non_null(d);
		device_unref(d);
		tree_remove_device(f->tree, plugged.address);
		assert_null(get(f, plugged.address));
	}
	CLEANUP(device_cleanup) struct device *steady = get(f, "0000:01:00.0");
	assert_non_null(steady);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_gpu_is_read_whole),
		TEST(a_bridge_is_told_by_its_header),
		TEST(a_long_list_of_cpus_is_read_whole),
		TEST(a_region_of_the_group_is_known),
		TEST(names_of_drivers_may_have_blanks),
		TEST(what_a_device_lacks_is_said_so),
		TEST(virtual_functions_know_their_physical_one),
		TEST(a_vfio_device_has_its_node_while_bound),
		TEST(identity_is_read_once),
		TEST(a_change_of_driver_is_noticed_and_old_references_stay_whole),
		TEST(a_group_that_comes_later_is_noticed),
		TEST(a_removed_device_is_gone_and_its_successor_is_another),
		TEST(an_unknown_device_is_not_found),
		TEST(a_device_with_nonsense_for_ids_is_an_error),
		TEST(hostile_optional_attributes_are_unknown),
		TEST(the_list_is_sorted_and_holds_addresses_only),
		cmocka_unit_test(a_host_without_pci_has_no_devices),
		cmocka_unit_test(five_thousand_devices_fit),
		cmocka_unit_test(past_the_limit_on_descriptors_it_goes_by_paths),
		TEST(pulling_and_plugging_many_times_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
