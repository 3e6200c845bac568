/* SPDX-License-Identifier: MIT */
/* What counts as the running kernel's own. The kernel's files are opened here, and never written.
 */
#include "core/base/clock.h"
#include "core/base/util.h"
#include "core/helper/helper.h"
#include "core/pci/real.h"
#include "tests/core/test.h"
#include "tests/support/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static struct tree *tree;

static int setup(void **state)
{
	(void)state;
	tree = tree_new_standard();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tree_free(tree);
	return 0;
}

static bool is_real(const char *root)
{
	struct sysfs sysfs = SYSFS_INIT;

	assert_int_equal(sysfs_open(&sysfs, root), 0);
	bool real = sysfs.is_real;
	sysfs_close(&sysfs);
	return real;
}

static void absolute(const char *path, char *buf, size_t size)
{
	assert_true(snprintf(buf, size, "%s/%s", tree_root(tree), path) < (int)size);
}

/* Puts a link out of the tree into the place of one of its files. */
static void lead_to(const char *path, const char *target)
{
	char buf[400];

	tree_remove(tree, path);
	absolute(path, buf, sizeof(buf));
	assert_int_equal(symlink(target, buf), 0);
}

static void make_node(const char *path, unsigned major, unsigned minor)
{
	char buf[400];

	if (geteuid() != 0)
		skip();
	absolute(path, buf, sizeof(buf));
	assert_int_equal(mknod(buf, S_IFCHR | 0600, makedev(major, minor)), 0);
}

static void a_folder_of_files_is_simulated(void **state)
{
	(void)state;
	assert_false(is_real(tree_root(tree)));
	tree_remove(tree, "sys/bus/pci/drivers");
	tree_remove(tree, "dev/vfio");
	assert_false(is_real(tree_root(tree)));
	tree_remove(tree, "sys/bus/pci");
	tree_remove(tree, "dev");
	assert_false(is_real(tree_root(tree)));
}

static void the_root_is_real_by_whatever_name(void **state)
{
	(void)state;
	assert_true(is_real("/"));
	assert_true(is_real("/proc/self/root"));
}

static void one_folder_of_the_kernels_is_enough(void **state)
{
	static const char *const folders[] = {"sys/bus/pci/devices", "sys/bus/pci/drivers"};

	(void)state;
	if (access("/sys/bus/pci/drivers", F_OK) < 0)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		char target[64];

		assert_false(is_real(tree_root(tree)));
		snprintf(target, sizeof(target), "/%s", folders[i]);
		lead_to(folders[i], target);
		assert_true(is_real(tree_root(tree)));
		tree_remove(tree, folders[i]);
	}
}

static void a_node_that_opens_a_device_is_enough(void **state)
{
	static const char *const paths[] = {"dev/vfio/1", "dev/vfio/devices/vfio0"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		tree_remove(tree, paths[i]);
		make_node(paths[i], 10, 195);
		assert_false(is_real(tree_root(tree)));
		tree_remove(tree, paths[i]);
		make_node(paths[i], 10, 196);
		assert_true(is_real(tree_root(tree)));
		tree_remove(tree, paths[i]);
	}
}

static void what_cannot_be_looked_at_is_real(void **state)
{
	static const char *const folders[] = {
		"sys/bus/pci/devices", "sys/bus/pci/drivers", "dev/vfio", "dev/vfio/devices"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		struct tree *whole = tree;

		tree = tree_new_standard();
		assert_false(is_real(tree_root(tree)));
		/* A link to itself: there is something, and nobody can say what. */
		const char *slash = strrchr(folders[i], '/');
		lead_to(folders[i], slash + 1);
		assert_true(is_real(tree_root(tree)));
		tree_free(tree);
		tree = whole;
	}
}

static void an_attribute_of_the_kernels_is_known_by_its_descriptor(void **state)
{
	char buf[400];

	(void)state;
	CLEANUP(fd_cleanup) int kernels = open("/sys/kernel/uevent_seqnum", O_RDONLY | O_CLOEXEC);
	if (kernels < 0)
		skip();
	assert_true(sysfs_file_is_real(kernels));
	absolute("sys/bus/pci/drivers_probe", buf, sizeof(buf));
	CLEANUP(fd_cleanup) int ours = open(buf, O_RDONLY | O_CLOEXEC);
	assert_true(ours >= 0);
	assert_false(sysfs_file_is_real(ours));
	assert_true(sysfs_file_is_real(-1));
}

/* The privileged helper looks at each node that it changes: one may have come since it was started.
 */
static void a_real_node_in_a_simulated_host_is_left_alone(void **state)
{
	struct helper_request request = {.op = HELPER_NODE_SET,
		.access = {.has_uid = true, .uid = 65533, .has_mode = true, .mode = 0640}};
	CLEANUP(fd_cleanup) int locks = tree_open_locks(tree);
	struct allowlist allow = {0};
	const struct helper_config config = {
		.root = tree_root(tree), .lock_fd = locks, .allow = &allow};
	struct helper *helper = NULL;
	struct helper_reply reply;
	struct stat status;
	char buf[400];

	(void)state;
	assert_true(pci_address_parse("0000:06:00.0", &request.address));
	assert_int_equal(helper_fork(&config, &helper), 0);
	/* Its first answer says that it has made up its mind. */
	assert_int_equal(helper_call(helper, &request, now_ns() + 20000000000, &reply), 0);
	tree_remove(tree, "dev/vfio/9");
	make_node("dev/vfio/9", 10, 196);
	assert_int_equal(helper_call(helper, &request, now_ns() + 20000000000, &reply), 0);
	assert_int_equal(reply.error, EPERM);
	absolute("dev/vfio/9", buf, sizeof(buf));
	assert_int_equal(stat(buf, &status), 0);
	assert_int_equal(status.st_uid, 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	helper_free(helper);
}

/* Who may exchange a folder on the way to the root must not have one host judged and another
 * changed. */
static void what_was_opened_is_shared_and_not_opened_again(void **state)
{
	struct sysfs first = SYSFS_INIT, second = SYSFS_INIT;
	char text[16], moved[400];

	(void)state;
	assert_int_equal(sysfs_open(&first, tree_root(tree)), 0);
	snprintf(moved, sizeof(moved), "%s-moved", tree_root(tree));
	assert_int_equal(rename(tree_root(tree), moved), 0);
	assert_int_equal(symlink(tree_state(tree), tree_root(tree)), 0);
	assert_int_equal(sysfs_share(&first, &second), 0);
	sysfs_close(&first);
	assert_false(second.is_real);
	assert_true(sysfs_read(second.devices_fd, "0000:01:00.0/vendor", text, sizeof(text)) > 0);
	assert_string_equal(text, "0x10de");
	sysfs_close(&second);
	assert_int_equal(unlink(tree_root(tree)), 0);
	assert_int_equal(rename(moved, tree_root(tree)), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_folder_of_files_is_simulated),
		TEST(the_root_is_real_by_whatever_name),
		TEST(one_folder_of_the_kernels_is_enough),
		TEST(a_node_that_opens_a_device_is_enough),
		TEST(what_cannot_be_looked_at_is_real),
		TEST(an_attribute_of_the_kernels_is_known_by_its_descriptor),
		TEST(a_real_node_in_a_simulated_host_is_left_alone),
		TEST(what_was_opened_is_shared_and_not_opened_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
