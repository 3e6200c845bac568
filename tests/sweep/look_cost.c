/* SPDX-License-Identifier: MIT */
/*
 * What a look at all processes costs. Prints the time of each look; judges nothing.
 *
 * Usage: look_cost PROCESSES FILES DEVICES [FOLDER]
 *
 * Without a folder the processes are real ones, with their files in the kernel's /proc, and the
 * devices are this machine's; everything is only read. With one, a simulated host is made in it
 * (an empty folder, best of a tmpfs) from files alone.
 */
#include "core/base/clock.h"
#include "core/base/util.h"
#include "core/pci/real.h"
#include "core/use/holders.h"
#include "core/use/native_nodes.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MAX_DEVICES = 1024 };

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "look_cost: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static pid_t start_process(unsigned files)
{
	pid_t pid = fork();

	must(pid >= 0, "fork");
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (unsigned i = 3; i < files; i++)
		must(open(i % 2 ? "/dev/null" : "/", O_RDONLY) >= 0, "open");
	for (;;)
		pause();
}

__attribute__((format(printf, 1, 2))) static void make_folder(const char *format, ...)
{
	char path[512];
	va_list args;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	for (char *s = path + 1; *s; s++) {
		if (*s != '/')
			continue;
		*s = '\0';
		mkdir(path, 0755);
		*s = '/';
	}
	must(mkdir(path, 0755) == 0 || errno == EEXIST, path);
}

static void make_files(const char *root, unsigned processes, unsigned files)
{
	char path[512];

	for (unsigned pid = 1; pid <= processes; pid++) {
		make_folder("%s/proc/%u/fd", root, pid);
		snprintf(path, sizeof(path), "%s/proc/%u/comm", root, pid);
		int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		must(fd >= 0 && write(fd, "daemon\n", 7) == 7, path);
		close(fd);
		for (unsigned i = 0; i < files; i++) {
			snprintf(path, sizeof(path), "%s/proc/%u/fd/%u", root, pid, i);
			must(symlink(i % 2 ? "/dev/null" : "socket:[12345]", path) == 0, path);
		}
	}
}

/* Devices with one node each. */
static void make_devices(const char *root, unsigned devices)
{
	char path[512], target[128];

	make_folder("%s/sys/bus/pci/devices", root);
	make_folder("%s/sys/bus/pci/drivers", root);
	make_folder("%s/sys/dev/char", root);
	make_folder("%s/sys/dev/block", root);
	make_folder("%s/dev", root);
	for (unsigned i = 0; i < devices; i++) {
		make_folder("%s/sys/bus/pci/devices/%04x:00:00.0/ptp/ptp%u", root, i, i);
		snprintf(path, sizeof(path), "%s/sys/dev/char/248:%u", root, i);
		snprintf(target, sizeof(target), "../../bus/pci/devices/%04x:00:00.0/ptp/ptp%u", i,
			i);
		must(symlink(target, path) == 0, path);
	}
}

static size_t list_devices(
	const struct sysfs *sysfs, struct pci_address addresses[static MAX_DEVICES], size_t max)
{
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(sysfs->devices_fd, ".");
	size_t n = 0;

	for (struct dirent *entry; dir && n < max && (entry = sysfs_readdir(dir));)
		n += pci_address_parse(entry->d_name, &addresses[n]);
	return n;
}

/* When a look began. */
struct start {
	int64_t ns;
	clock_t cpu;
};

static struct start start_now(void)
{
	return (struct start){.ns = now_ns(), .cpu = clock()};
}

static void report(const char *what, struct start start, int error, struct holders *found)
{
	printf("%-32s %8.1f ms, %8.1f ms of processor time  (%s, %zu found)\n", what,
		(double)(now_ns() - start.ns) / 1e6,
		(double)(clock() - start.cpu) * 1e3 / CLOCKS_PER_SEC,
		error ? strerror(error) : "done", found->count);
	holders_clear(found);
}

static void measure(const struct sysfs *sysfs, size_t devices)
{
	static struct pci_address addresses[MAX_DEVICES];
	static bool has[MAX_DEVICES];
	size_t n = list_devices(sysfs, addresses, devices < MAX_DEVICES ? devices : MAX_DEVICES);
	struct holders found = {0};
	char what[64];

	struct start begin = start_now();
	int error = native_nodes_have(sysfs, addresses, n, has);
	snprintf(what, sizeof(what), "which of %zu devices have nodes", n);
	report(what, begin, error, &found);
	begin = start_now();
	error = holders_of_nodes(sysfs, addresses, n, &found);
	snprintf(what, sizeof(what), "native nodes of %zu devices", n);
	report(what, begin, error, &found);
	begin = start_now();
	report("VFIO files", begin, holders_of_vfio(sysfs, &found), &found);
	begin = start_now();
	report("VFIO mappings", begin, holders_of_mappings(sysfs, &found), &found);
}

int main(int argc, char *argv[])
{
	struct sysfs sysfs = SYSFS_INIT;

	if (argc < 4)
		return 2;
	unsigned processes = (unsigned)atoi(argv[1]), files = (unsigned)atoi(argv[2]),
		 devices = (unsigned)atoi(argv[3]);
	pid_t *pids = calloc(processes + 1, sizeof(*pids));
	must(pids != NULL, "memory");
	if (argc > 4) {
		make_files(argv[4], processes, files);
		make_devices(argv[4], devices);
	}
	for (unsigned i = 0; argc == 4 && i < processes; i++)
		pids[i] = start_process(files);
	must(sysfs_open(&sysfs, argc > 4 ? argv[4] : "/") == 0, "the root");
	for (int round = 0; round < 3; round++)
		measure(&sysfs, devices);
	for (unsigned i = 0; argc == 4 && i < processes; i++)
		kill(pids[i], SIGKILL);
	sysfs_close(&sysfs);
	free(pids);
	return 0;
}
