/* SPDX-License-Identifier: MIT */
/* The kernel's events: what is told apart, and what is not believed. */
#include "core/base/util.h"
#include "core/pci/uevents.h"
#include "tests/core/test.h"
#include "tests/support/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define PCI_EVENT                                                                                  \
	"unbind@/devices/pci0000:00/0000:00:03.0\0ACTION=unbind\0SUBSYSTEM=pci\0"                  \
	"PCI_SLOT_NAME=0000:00:03.0\0SEQNUM=7"
#define NET_EVENT "add@/devices/virtual/net/lo\0ACTION=add\0SUBSYSTEM=net"

static enum uevent told(const char *event, size_t size)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	if (size > 0)
		assert_int_equal(write(fds[1], event, size), size);
	enum uevent got = uevents_read(fds[0]);
	if (size > 0)
		assert_int_equal(uevents_read(fds[0]), UEVENT_NONE);
	close(fds[1]);
	close(fds[0]);
	return got;
}

static void events_of_pci_devices_are_told_apart(void **state)
{
	(void)state;
	assert_int_equal(told(PCI_EVENT, sizeof(PCI_EVENT)), UEVENT_PCI);
	assert_int_equal(told(NET_EVENT, sizeof(NET_EVENT)), UEVENT_OTHER);
	assert_int_equal(told("", 0), UEVENT_NONE);
}

static void what_is_no_event_is_passed_over(void **state)
{
	static const char LIBUDEV[] = "libudev\0SUBSYSTEM=pci";
	static const char UNENDED[] = "bind@/x\0SUBSYSTEM=pc";
	char nuls[64] = {0};

	(void)state;
	assert_int_equal(told(LIBUDEV, sizeof(LIBUDEV)), UEVENT_OTHER);
	assert_int_equal(told(UNENDED, sizeof(UNENDED) - 1), UEVENT_OTHER);
	assert_int_equal(told(nuls, sizeof(nuls)), UEVENT_OTHER);
	/* The last string need not end. */
	assert_int_equal(
		told(PCI_EVENT, strlen("unbind@/devices/pci0000:00/0000:00:03.0") + 1 +
					strlen("ACTION=unbind") + 1 + strlen("SUBSYSTEM=pci")),
		UEVENT_PCI);
}

static void a_reader_that_ended_ends(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	close(fds[1]);
	assert_int_equal(uevents_read(fds[0]), UEVENT_END);
	close(fds[0]);
	assert_int_equal(uevents_read(-1), UEVENT_END);
}

static void a_simulated_host_has_them_in_a_file(void **state)
{
	struct tree *tree = tree_new();
	struct sysfs sysfs = SYSFS_INIT;

	(void)state;
	sysfs.root_fd = open(tree_root(tree), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(uevents_open(&sysfs), -ENOENT);
	tree_write(tree, "dev/uevent", "%s", NET_EVENT);
	int fd = uevents_open(&sysfs);
	assert_true(fd >= 0);
	assert_int_equal(uevents_read(fd), UEVENT_OTHER);
	close(fd);
	tree_remove(tree, "dev/uevent");
	assert_int_equal(mkfifoat(sysfs.root_fd, "dev/uevent", 0600), 0);
	assert_int_equal(uevents_open(&sysfs), -EINVAL);
	close(sysfs.root_fd);
	tree_free(tree);
}

/* A process sends to the reader's own port; only root may. */
static void what_a_process_sends_is_not_the_kernels(void **state)
{
	const struct sysfs real = {.is_real = true};
	struct sockaddr_nl to = {0};
	socklen_t size = sizeof(to);
	int fd = uevents_open(&real);
	int forger = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);

	(void)state;
	if (fd < 0 || forger < 0)
		skip();
	assert_int_equal(getsockname(fd, (struct sockaddr *)&to, &size), 0);
	to.nl_groups = 0;
	bool sent = sendto(forger, PCI_EVENT, sizeof(PCI_EVENT), 0, (struct sockaddr *)&to,
			    sizeof(to)) > 0;
	enum uevent got = UEVENT_NONE;
	/* This machine's own events may come first. */
	for (int i = 0; sent && i < 1000 && got == UEVENT_NONE; i++) {
		struct pollfd poller = {.fd = fd, .events = POLLIN};
		poll(&poller, 1, 1000);
		got = uevents_read(fd);
	}
	close(forger);
	close(fd);
	if (!sent)
		skip();
	assert_int_equal(got, UEVENT_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_of_pci_devices_are_told_apart),
		cmocka_unit_test(what_is_no_event_is_passed_over),
		cmocka_unit_test(a_reader_that_ended_ends),
		cmocka_unit_test(a_simulated_host_has_them_in_a_file),
		cmocka_unit_test(what_a_process_sends_is_not_the_kernels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
