/* SPDX-License-Identifier: MIT */
/* Opens a host: the running kernel's, or a simulated one. */
#include "core/pci/real.h"
#include "core/base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

enum {
	MISC_MAJOR = 10,
	VFIO_MINOR = 196, /* of /dev/vfio/vfio, on every host */
};

/* Magic number of the file system, 0 when it cannot be told. */
static unsigned long magic_of(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 ? (unsigned long)fs.f_type : 0;
}

/* Whether the running kernel has given the major number to VFIO. */
static bool is_vfio_major(unsigned wanted)
{
	size_t len;
	CLEANUP(free_cleanup)
	char *text = sysfs_slurp(AT_FDCWD, "/proc/devices", 1 << 16, &len);
	char *save = NULL, name[64];
	unsigned number;

	/* Who cannot look must not say that it is nothing. */
	if (!text)
		return true;
	for (char *line = strtok_r(text, "\n", &save); line && strncmp(line, "Block", 5) != 0;
		line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "%u %63s", &number, name) == 2 && number == wanted &&
			strncmp(name, "vfio", 4) == 0)
			return true;
	}
	return false;
}

static bool is_vfio_number(dev_t number)
{
	return (major(number) == MISC_MAJOR && minor(number) == VFIO_MINOR) ||
	       is_vfio_major(major(number));
}

bool sysfs_file_is_real(int fd)
{
	unsigned long magic = magic_of(fd);
	struct stat status;

	if (magic == 0 || magic == SYSFS_MAGIC || fstat(fd, &status) < 0)
		return true;
	/* Whatever number a node has that a file server shows, it opens no device. */
	return magic != FUSE_SUPER_MAGIC && S_ISCHR(status.st_mode) &&
	       is_vfio_number(status.st_rdev);
}

/* A folder that could not be opened. */
static bool is_absent(int error)
{
	return error == -ENOENT || error == -ENOTDIR;
}

static bool attributes_are_real(int fd)
{
	if (fd < 0)
		return !is_absent(fd);
	unsigned long magic = magic_of(fd);
	return magic == 0 || magic == SYSFS_MAGIC;
}

/* Whether one of the nodes in a folder opens a device. */
static bool nodes_are_real(int dev_fd, const char *path)
{
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(dev_fd, path);

	if (!dir)
		return !is_absent(-errno);
	for (struct dirent *entry; (entry = sysfs_readdir(dir));) {
		CLEANUP(fd_cleanup)
		int fd = openat(dirfd(dir), entry->d_name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0 ? errno != ENOENT : sysfs_file_is_real(fd))
			return true;
	}
	return false;
}

/* There is nothing simulated about "/", even where it lacks what a host has. */
static bool is_slash(int root_fd)
{
	struct stat ours, theirs;

	return fstat(root_fd, &theirs) < 0 || stat("/", &ours) < 0 ||
	       (ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino);
}

static bool drivers_are_real(int root_fd)
{
	CLEANUP(fd_cleanup)
	int fd = openat(root_fd, "sys/bus/pci/drivers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return attributes_are_real(fd < 0 ? -errno : fd);
}

/* Whether a host below root_fd is real. devices is a descriptor of its sys/bus/pci/devices, or the
 * negative errno with which it could not be opened. */
static bool is_real_below(int root_fd, int devices)
{
	return is_slash(root_fd) || attributes_are_real(devices) || drivers_are_real(root_fd) ||
	       nodes_are_real(root_fd, "dev/vfio") || nodes_are_real(root_fd, "dev/vfio/devices");
}

int sysfs_open(struct sysfs *ret, const char *root)
{
	struct sysfs s = SYSFS_INIT;

	s.root = strdup(root);
	if (!s.root)
		return -ENOMEM;
	/* To find what is below, not to be read: the daemon may not list every folder. */
	s.root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s.root_fd < 0) {
		int error = -errno;
		sysfs_close(&s);
		return error;
	}
	s.devices_fd = openat(s.root_fd, "sys/bus/pci/devices", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	s.is_real = is_real_below(s.root_fd, s.devices_fd < 0 ? -errno : s.devices_fd);
	*ret = s;
	return 0;
}
