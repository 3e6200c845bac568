/* SPDX-License-Identifier: MIT */
/* The simulated host as programs see it: mounted, through the kernel. */
#include "core/base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NIC "0000:00:03.0"
#define NIC2 "0000:00:04.0"
#define PCI "sys/bus/pci/"

struct ground {
	char folder[64];
	int root; /* folder, mounted */
	pid_t simhost;
};

/* Blocks until the mounts changed, or ten seconds: the kernel tells of it. */
static void await_mounts(int mounts)
{
	struct pollfd p = {.fd = mounts, .events = POLLPRI};

	assert_int_not_equal(poll(&p, 1, 10000), 0);
}

static bool is_mounted(const char *folder)
{
	struct stat inside, outside;

	return stat(folder, &inside) == 0 && stat("/tmp", &outside) == 0 &&
	       inside.st_dev != outside.st_dev;
}

/* Mounts a simulated host on the folder. */
static void begin(struct ground *g)
{
	CLEANUP(fd_cleanup) int mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);

	g->simhost = fork();
	if (g->simhost == 0) {
		execl(SIMHOST, "simhost", "--foreground", HOSTS "/lab.host", g->folder, NULL);
		_exit(127);
	}
	while (!is_mounted(g->folder))
		await_mounts(mounts);
	g->root = open(g->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(g->root >= 0);
}

static int setup(void **state)
{
	struct ground *g = calloc(1, sizeof(*g));

	snprintf(g->folder, sizeof(g->folder), "/tmp/simhost.XXXXXX");
	assert_non_null(mkdtemp(g->folder));
	*state = g;
	begin(g);
	return 0;
}

/* Ends the simulated host, which must end well and leave nothing. */
static int teardown(void **state)
{
	struct ground *g = *state;
	int status;

	close(g->root);
	kill(g->simhost, SIGTERM);
	assert_int_equal(waitpid(g->simhost, &status, 0), g->simhost);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_false(is_mounted(g->folder));
	assert_int_equal(rmdir(g->folder), 0);
	free(g);
	return 0;
}

/* 0 or the errno. */
static int put_at(int dirfd, const char *path, const char *text)
{
	CLEANUP(fd_cleanup) int fd = openat(dirfd, path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0)
		return errno;
	return write(fd, text, strlen(text)) < 0 ? errno : 0;
}

static int put(const struct ground *g, const char *path, const char *text)
{
	return put_at(g->root, path, text);
}

static bool has(const struct ground *g, const char *path)
{
	return faccessat(g->root, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void to_vfio(const struct ground *g, const char *address)
{
	char path[96];

	snprintf(path, sizeof(path), PCI "devices/%s/driver_override", address);
	assert_int_equal(put(g, path, "vfio-pci"), 0);
	snprintf(path, sizeof(path), PCI "devices/%s/driver/unbind", address);
	assert_int_equal(put(g, path, address), 0);
	assert_int_equal(put(g, PCI "drivers/vfio-pci/bind", address), 0);
}

/* A process that makes one write, and ends with its errno. */
static pid_t start_put(const struct ground *g, const char *path, const char *text)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(put(g, path, text));
	return pid;
}

static int finish(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void a_kept_folder_of_a_removed_device_is_gone_for_ever(void **state)
{
	struct ground *g = *state;
	CLEANUP(fd_cleanup)
	int folder = openat(g->root, PCI "devices/" NIC, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(fd_cleanup) int vendor = openat(folder, "vendor", O_RDONLY | O_CLOEXEC);
	CLEANUP(fd_cleanup)
	int override = openat(folder, "driver_override", O_WRONLY | O_CLOEXEC);
	struct stat before, after;
	char buf[32];

	assert_int_equal(fstatat(g->root, PCI "devices/" NIC "/", &before, 0), 0);
	assert_int_equal(put_at(folder, "remove", "1"), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(openat(folder, "vendor", O_RDONLY), -1);
		assert_int_equal(errno, ENOENT);
		assert_int_equal(readlinkat(folder, "driver", buf, sizeof(buf)), -1);
		assert_int_equal(errno, ENOENT);
		assert_int_equal(pread(vendor, buf, sizeof(buf), 0), -1);
		assert_int_equal(errno, ENODEV);
		assert_int_equal(write(override, "x", 1), -1);
		assert_int_equal(errno, ENODEV);
		assert_int_equal(put(g, PCI "rescan", "1"), 0); /* it comes back: another one */
	}
	assert_int_equal(fstatat(g->root, PCI "devices/" NIC "/", &after, 0), 0);
	assert_int_not_equal(before.st_ino, after.st_ino);
}

static void a_waiting_write_holds_up_nobody_else(void **state)
{
	struct ground *g = *state;

	to_vfio(g, NIC);
	to_vfio(g, NIC2);
	assert_int_equal(put(g, "control", "hold " NIC " device 4242 qemu\n"), 0);
	pid_t unbind = start_put(g, PCI "drivers/vfio-pci/unbind", NIC);
	while (has(g, PCI "devices/" NIC "/driver"))
		sched_yield();
	/* Through the same file, opened by truncating as shells do. */
	assert_int_equal(put(g, PCI "drivers/vfio-pci/unbind", NIC2), 0);
	assert_int_equal(put(g, PCI "drivers/vfio-pci/bind", NIC2), 0);
	assert_true(has(g, "dev/vfio/3"));
	assert_int_equal(waitpid(unbind, NULL, WNOHANG), 0);
	assert_int_equal(put(g, "control", "release " NIC), 0);
	assert_int_equal(finish(unbind), 0);
	assert_false(has(g, "dev/vfio/3"));
}

/* The writer is killed and stays; the write's effect comes when the holder lets go. */
static void killing_a_writer_does_not_end_its_write(void **state)
{
	struct ground *g = *state;

	to_vfio(g, NIC);
	assert_int_equal(put(g, "control", "hold " NIC " mapping 4242 qemu\n"), 0);
	pid_t unbind = start_put(g, PCI "drivers/vfio-pci/unbind", NIC);
	while (has(g, PCI "devices/" NIC "/driver"))
		sched_yield();
	kill(unbind, SIGTERM);
	kill(unbind, SIGKILL);
	assert_true(has(g, "dev/vfio/3"));
	assert_int_equal(put(g, PCI "drivers/e1000e/unbind", NIC2), 0);
	assert_int_equal(waitpid(unbind, NULL, WNOHANG), 0);
	assert_int_equal(put(g, "control", "release " NIC), 0);
	finish(unbind);
	assert_false(has(g, "dev/vfio/3"));
	assert_int_equal(put(g, PCI "drivers/vfio-pci/bind", NIC), 0);
}

static void ending_lets_go_of_a_waiting_write(void **state)
{
	struct ground *g = *state;

	to_vfio(g, NIC);
	assert_int_equal(put(g, "control", "hold " NIC " device 4242 qemu\n"), 0);
	pid_t unbind = start_put(g, PCI "drivers/vfio-pci/unbind", NIC);
	while (has(g, PCI "devices/" NIC "/driver"))
		sched_yield();
	kill(g->simhost, SIGTERM);
	assert_int_equal(finish(unbind), EIO);
}

/* Runs the command with the folder between its two parts. */
static FILE *run(const char *before, const char *folder, const char *after)
{
	char command[1024];

	snprintf(command, sizeof(command), "%s %s%s", before, folder, after);
	/* NOLINTNEXTLINE(cert-env33-c): the command is the test's own */
	FILE *out = popen(command, "r");
	assert_non_null(out);
	return out;
}

/* Whoever unmounts by force ends all that waits, and simhost. */
static void an_unmount_by_force_ends_it(void **state)
{
	struct ground *g = *state;

	to_vfio(g, NIC);
	assert_int_equal(put(g, "control", "hold " NIC " device 4242 qemu\n"), 0);
	pid_t unbind = start_put(g, PCI "drivers/vfio-pci/unbind", NIC);
	while (has(g, PCI "devices/" NIC "/driver"))
		sched_yield();
	(void)umount2(g->folder, MNT_FORCE); /* busy, but the connection is cut */
	assert_int_not_equal(finish(unbind), 0);
	finish(g->simhost);
	close(g->root);
	umount2(g->folder, MNT_DETACH);
	begin(g);
}

static void a_mount_left_behind_is_explained(void **state)
{
	struct ground *g = *state;
	char line[256] = "";

	kill(g->simhost, SIGKILL);
	finish(g->simhost);
	close(g->root);
	FILE *out = run(SIMHOST " " HOSTS "/lab.host", g->folder, " 2>&1");
	assert_non_null(fgets(line, sizeof(line), out));
	assert_int_not_equal(pclose(out), 0);
	assert_non_null(strstr(line, "was killed: unmount it first"));
	assert_int_equal(umount2(g->folder, MNT_DETACH), 0);
	begin(g);
}

static void many_writes_may_wait(void **state)
{
	enum { MANY = 100 };
	struct ground *g = *state;
	pid_t writers[MANY];

	assert_int_equal(put(g, "control", "block driver_override " NIC), 0);
	for (size_t i = 0; i < MANY; i++)
		writers[i] = start_put(g, PCI "devices/" NIC "/driver_override", "x");
	assert_int_equal(put(g, PCI "drivers/e1000e/unbind", NIC2), 0);
	assert_int_equal(put(g, "control", "unblock driver_override " NIC), 0);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(finish(writers[i]), 0);
}

static void modes_count_for_root_too(void **state)
{
	struct ground *g = *state;
	struct stat st;

	assert_int_equal(openat(g->root, PCI "devices/" NIC "/vendor", O_WRONLY), -1);
	assert_int_equal(errno, EACCES);
	assert_int_equal(openat(g->root, PCI "drivers_probe", O_RDONLY), -1);
	assert_int_equal(errno, EACCES);
	assert_int_equal(openat(g->root, PCI "new", O_WRONLY | O_CREAT, 0600), -1);
	assert_int_equal(errno, EACCES);
	assert_int_equal(unlinkat(g->root, PCI "rescan", 0), -1);
	assert_int_equal(errno, EPERM);
	/* A node looks right and leads nowhere: not to this machine's own VFIO above all. */
	to_vfio(g, NIC);
	assert_int_equal(fstatat(g->root, "dev/vfio/3", &st, 0), 0);
	assert_true(S_ISCHR(st.st_mode));
	assert_int_equal(major(st.st_rdev), 243);
	assert_int_equal(openat(g->root, "dev/vfio/3", O_RDWR), -1);
	assert_int_equal(errno, EACCES);
}

/* Reads one event: "action@path" of it. */
static void expect_event(int fd, const char *head)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char text[4096];

	assert_int_equal(poll(&p, 1, 10000), 1);
	ssize_t n = read(fd, text, sizeof(text));
	assert_true(n > 0);
	assert_int_equal(text[n - 1], '\0');
	assert_string_equal(text, head);
	assert_memory_equal(text + strlen(text) + 1, "ACTION=", 7);
}

static void events_are_read_one_by_one(void **state)
{
	struct ground *g = *state;
	CLEANUP(fd_cleanup)
	int first = openat(g->root, "dev/uevent", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct pollfd p = {.fd = first, .events = POLLIN};
	char buf[16];

	assert_int_equal(poll(&p, 1, 0), 0);
	assert_int_equal(read(first, buf, sizeof(buf)), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(put(g, PCI "devices/" NIC "/driver/unbind", NIC), 0);
	CLEANUP(fd_cleanup) int second = openat(g->root, "dev/uevent", O_RDONLY | O_CLOEXEC);
	assert_int_equal(put(g, PCI "drivers_probe", NIC), 0);
	expect_event(first, "remove@/devices/pci0000:00/" NIC "/net/eth1");
	expect_event(first, "unbind@/devices/pci0000:00/" NIC);
	expect_event(first, "add@/devices/pci0000:00/" NIC "/net/eth1");
	expect_event(first, "bind@/devices/pci0000:00/" NIC);
	assert_int_equal(read(first, buf, sizeof(buf)), -1);
	/* From its own opening on. */
	expect_event(second, "add@/devices/pci0000:00/" NIC "/net/eth1");
	expect_event(second, "bind@/devices/pci0000:00/" NIC);
}

static void a_poll_wakes_for_an_event(void **state)
{
	struct ground *g = *state;
	CLEANUP(fd_cleanup) int fd = openat(g->root, "dev/uevent", O_RDONLY | O_CLOEXEC);
	struct pollfd p = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 0), 0);
	pid_t writer = start_put(g, PCI "devices/" NIC "/uevent", "change");
	expect_event(fd, "change@/devices/pci0000:00/" NIC);
	assert_int_equal(finish(writer), 0);
}

static void on_alarm(int number)
{
	(void)number;
}

static void a_read_of_events_waits_and_can_be_interrupted(void **state)
{
	struct ground *g = *state;
	CLEANUP(fd_cleanup) int fd = openat(g->root, "dev/uevent", O_RDONLY | O_CLOEXEC);
	struct sigaction sa = {.sa_handler = on_alarm}, old;
	char buf[4096];

	pid_t writer = start_put(g, PCI "devices/" NIC "/uevent", "add");
	assert_true(read(fd, buf, sizeof(buf)) > 0); /* before or after it came */
	assert_int_equal(finish(writer), 0);
	sigaction(SIGALRM, &sa, &old);
	ualarm(20000, 20000); /* again and again: one may come before the read */
	assert_int_equal(read(fd, buf, sizeof(buf)), -1);
	assert_int_equal(errno, EINTR);
	ualarm(0, 0);
	sigaction(SIGALRM, &old, NULL);
}

/* Another program that knows nothing of us. */
static void lspci_lists_the_host(void **state)
{
	struct ground *g = *state;
	char line[512], sysfs[128];
	size_t lines = 0, nics = 0;

	if (access("/usr/bin/lspci", X_OK) != 0)
		skip();
	snprintf(sysfs, sizeof(sysfs), "sysfs.path=%s/sys/bus/pci", g->folder);
	FILE *out = run("lspci -nk -A linux-sysfs 2>/dev/null -O", sysfs, "");
	while (fgets(line, sizeof(line), out)) {
		lines += line[0] != '\t';
		nics += strcmp(line, "\tKernel driver in use: e1000e\n") == 0;
	}
	assert_int_equal(pclose(out), 0);
	assert_int_equal(lines, 23);
	assert_int_equal(nics, 4);
}

/* Every answer is what Linux 6.1 gave in the lab. */
static void probes_agree_with_the_lab(void **state)
{
	struct ground *g = *state;
	CLEANUP(free_cleanup) char *want = NULL, *got = NULL;
	size_t want_size = 0, got_size = 0, lines = 0;
	FILE *expected = fopen(PROBES ".expected", "r");
	FILE *out = run("sh " PROBES ".sh", g->folder, " " ATTR);

	assert_non_null(expected);
	while (getline(&want, &want_size, expected) > 0) {
		assert_true(getline(&got, &got_size, out) > 0);
		assert_string_equal(got, want);
		lines++;
	}
	assert_true(getline(&got, &got_size, out) < 0);
	fclose(expected);
	assert_int_equal(pclose(out), 0);
	assert_true(lines >= 200);
}

int main(void)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROW(a_kept_folder_of_a_removed_device_is_gone_for_ever),
		ROW(a_waiting_write_holds_up_nobody_else),
		ROW(killing_a_writer_does_not_end_its_write),
		ROW(ending_lets_go_of_a_waiting_write),
		ROW(an_unmount_by_force_ends_it),
		ROW(a_mount_left_behind_is_explained),
		ROW(many_writes_may_wait),
		ROW(modes_count_for_root_too),
		ROW(events_are_read_one_by_one),
		ROW(a_poll_wakes_for_an_event),
		ROW(a_read_of_events_waits_and_can_be_interrupted),
		ROW(lspci_lists_the_host),
		ROW(probes_agree_with_the_lab),
	};
	enum { SKIPPED = 77 };

	if (access("/dev/fuse", R_OK | W_OK) != 0) {
		printf("skipped: /dev/fuse cannot be opened (%s); load the module fuse, or give the container the device\n",
			strerror(errno));
		return SKIPPED;
	}
	return cmocka_run_group_tests_name("simhost mounted", tests, NULL, NULL);
}
