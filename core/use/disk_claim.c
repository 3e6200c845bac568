/* SPDX-License-Identifier: MIT */
/* Whether the kernel itself uses a disk. */
#include "core/use/disk_claim.h"
#include "core/base/clock.h"
#include "core/base/util.h"
#include "core/pci/class_link.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define BLOCK "sys/class/block"

typedef int function_test(void *arg, struct pci_address address);

static int is_any(void *arg, struct pci_address address)
{
	(void)arg;
	(void)address;
	return 1;
}

static int is_same(void *arg, struct pci_address address)
{
	return pci_address_equal(*(const struct pci_address *)arg, address);
}

static void replace_char(char *text, char from, char to)
{
	for (; *text; text++) {
		if (*text == from)
			*text = to;
	}
}

/* Reads on to a disk or partition behind one of the functions, whatever the device's class: it may
 * be behind a USB host or a fibre. Its name as in /dev, which may have a slash for sysfs's
 * exclamation mark; NULL at the end. */
static const char *next_disk(DIR *dir, int root_fd, function_test *test, void *arg)
{
	for (struct dirent *entry; (entry = sysfs_readdir(dir));) {
		char target[PATH_MAX];
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		if (n < 0)
			continue;
		target[n] = '\0';
		if (class_link_functions(root_fd, target, test, arg)) {
			replace_char(entry->d_name, '!', '/');
			return entry->d_name;
		}
	}
	return NULL;
}

/* The number that the disk's node must have. 0 or a negative errno; -ENOENT or -ENODEV: the disk
 * has gone, or is one without a node, such as a path of a multipath NVMe. */
static int disk_number(int root_fd, const char *node, dev_t *ret)
{
	char name[NAME_MAX + 1], path[NAME_MAX + 32], text[32];
	unsigned first, second;

	snprintf(name, sizeof(name), "%s", node + strlen("/dev/"));
	replace_char(name, '/', '!');
	snprintf(path, sizeof(path), BLOCK "/%s/dev", name);
	ssize_t n = sysfs_read(root_fd, path, text, sizeof(text));
	if (n < 0)
		return (int)n;
	if (sscanf(text, "%10u:%10u", &first, &second) != 2)
		return -EINVAL;
	*ret = makedev(first, second);
	return 0;
}

/* Opens the disk's node, and closes it. 0 or errno. */
static int disk_try(int root_fd, const char *node, int flags)
{
	struct stat status;
	dev_t number = 0;
	int error = -disk_number(root_fd, node, &number);

	if (error)
		return error == ENOENT || error == ENODEV ? 0 : error;
	if (fstatat(root_fd, node + 1, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno;
	if (!S_ISBLK(status.st_mode))
		return ENOTBLK;
	if (status.st_rdev != number)
		return ENXIO;
	CLEANUP(fd_cleanup)
	int fd = openat(root_fd, node + 1, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | flags);
	return fd < 0 ? errno : 0;
}

/* Whether the disk is somebody's own: errno EBUSY. Another look at it makes it so for an instant.
 */
static int disk_claim(int root_fd, const char *node)
{
	const struct timespec pause = {.tv_nsec = NS_PER_MS};
	int error = EBUSY;

	for (int tries = 0; error == EBUSY && tries < 4; tries++) {
		if (tries > 0)
			nanosleep(&pause, NULL);
		error = disk_try(root_fd, node, O_EXCL);
	}
	return error;
}

/* Keeps the first disk that could not be opened. An empty card reader has nothing that could be in
 * use. */
static void note_error(
	const struct sysfs *sysfs, const char *node, int error, struct blind_spot *blind)
{
	bool is_ours = error == EMFILE || error == ENFILE || error == ENOMEM;

	if (blind->error || error == 0 || error == EBUSY || error == ENOMEDIUM ||
		(!sysfs->is_real && !is_ours))
		return;
	blind->error = error;
	snprintf(blind->node, sizeof(blind->node), "%.*s", NODE_SIZE - 1, node);
}

/* Opens the folder of all disks. One that is there and cannot be read may have anything in it. */
static DIR *open_disks(const struct sysfs *sysfs, struct blind_spot *blind)
{
	DIR *dir = sysfs_opendir(sysfs->root_fd, BLOCK);

	*blind = (struct blind_spot){0};
	if (!dir && errno != ENOENT)
		*blind = (struct blind_spot){.error = errno, .node = "/" BLOCK};
	return dir;
}

bool disk_claim_any(
	const struct sysfs *sysfs, struct pci_address address, struct blind_spot *ret_blind)
{
	CLEANUP(dir_cleanup) DIR *dir = open_disks(sysfs, ret_blind);
	char node[NAME_MAX + 8];
	bool claimed = false;

	for (const char *name; dir && (name = next_disk(dir, sysfs->root_fd, is_same, &address));) {
		snprintf(node, sizeof(node), "/dev/%s", name);
		int error = disk_claim(sysfs->root_fd, node);
		claimed |= error == EBUSY;
		note_error(sysfs, node, error, ret_blind);
	}
	return claimed;
}

void disk_claim_find_blind(const struct sysfs *sysfs, struct blind_spot *ret)
{
	CLEANUP(dir_cleanup) DIR *dir = open_disks(sysfs, ret);
	char node[NAME_MAX + 8];

	for (const char *name; dir && (name = next_disk(dir, sysfs->root_fd, is_any, NULL));) {
		snprintf(node, sizeof(node), "/dev/%s", name);
		note_error(sysfs, node, disk_try(sysfs->root_fd, node, 0), ret);
	}
}
