/* SPDX-License-Identifier: MIT */
/* Network interfaces that vfiod cannot see. */
#include "core/use/net_elsewhere.h"

#include "core/base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum {
	DEPTH_MAX = 32,
	FOLDERS_MAX = 16384, /* of all sorts, below one device */
};

/* Disks have hundreds of folders in these, one for each queue and processor. */
static const char *const SKIPPED[] = {"block", "mq", "queue", "power"};

static int search(int parent_fd, const char *name, int depth, unsigned *left);

static int is_empty(int parent_fd, const char *name)
{
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(parent_fd, name);

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	return !sysfs_readdir(dir);
}

static bool is_folder(int parent_fd, const struct dirent *entry)
{
	struct stat status;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(parent_fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(status.st_mode);
}

static bool is_skipped(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(SKIPPED); i++) {
		if (strcmp(name, SKIPPED[i]) == 0)
			return true;
	}
	return false;
}

static int search_entry(int dir_fd, const struct dirent *entry, int depth, unsigned *left)
{
	int found = strcmp(entry->d_name, "net") == 0 ? is_empty(dir_fd, entry->d_name) : 0;

	return found ? found : search(dir_fd, entry->d_name, depth + 1, left);
}

/* What goes while it is looked at was in nobody's use. */
static int search(int parent_fd, const char *name, int depth, unsigned *left)
{
	int found = 0;

	if (depth > DEPTH_MAX || *left == 0)
		return -E2BIG;
	--*left;
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(parent_fd, name);
	if (!dir)
		return errno == ENOENT || errno == ENODEV ? 0 : -errno;
	for (struct dirent *entry; found == 0 && (entry = sysfs_readdir(dir));) {
		if (is_folder(dirfd(dir), entry) && !is_skipped(entry->d_name))
			found = search_entry(dirfd(dir), entry, depth, left);
	}
	return found;
}

int net_is_elsewhere(const struct sysfs *sysfs, struct pci_address address)
{
	char text[PCI_ADDRESS_SIZE];
	unsigned left = FOLDERS_MAX;

	pci_address_format(address, text);
	return search(sysfs->devices_fd, text, 0, &left);
}
