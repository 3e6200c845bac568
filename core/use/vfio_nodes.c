/* SPDX-License-Identifier: MIT */
/* The nodes by which a VFIO user opens a device. */
#include "core/use/vfio_nodes.h"
#include "core/base/util.h"
#include "core/pci/real.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_SIZE = 64 };

/* Writes the paths of the nodes, below the root, into ret. Returns how many there are, or a
 * negative errno. */
static int find_paths(const struct sysfs *sysfs, struct pci_address address, char ret[2][PATH_SIZE])
{
	char text[PCI_ADDRESS_SIZE], path[PCI_ADDRESS_SIZE + 16], name[24];
	struct dirent *entry = NULL;

	pci_address_format(address, text);
	snprintf(path, sizeof(path), "%s/vfio-dev", text);
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(sysfs->devices_fd, path);
	if (!dir)
		return -errno;
	while ((entry = sysfs_readdir(dir)) && strncmp(entry->d_name, "vfio", 4) != 0)
		continue;
	snprintf(path, sizeof(path), "%s/iommu_group", text);
	if (!entry || sysfs_link_name(sysfs->devices_fd, path, name, sizeof(name)) <= 0)
		return -ENOENT;
	snprintf(ret[0], PATH_SIZE, "dev/vfio/%s", name);
	if (!sysfs_exists(sysfs->root_fd, ret[0]))
		snprintf(ret[0], PATH_SIZE, "dev/vfio/noiommu-%s", name);
	snprintf(ret[1], PATH_SIZE, "dev/vfio/devices/%.32s", entry->d_name);
	return sysfs_exists(sysfs->root_fd, ret[1]) ? 2 : 1;
}

/* 0; ESTALE when another binding than the one asked for has the device. */
static int check_binding(const struct sysfs *sysfs, struct pci_address address, uint64_t link)
{
	char text[PCI_ADDRESS_SIZE], path[PCI_ADDRESS_SIZE + 16];
	struct stat status;

	if (!link)
		return 0;
	pci_address_format(address, text);
	snprintf(path, sizeof(path), "%s/driver", text);
	return fstatat(sysfs->devices_fd, path, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
			       status.st_ino == link
		       ? 0
		       : ESTALE;
}

/* By a descriptor, so that what was looked at is what is changed. The binding is looked at once the
 * node is open: if it is the right one then, it was so when the node was opened, and the next one
 * gets a node of its own. */
static int set_access(const struct sysfs *sysfs, const char *path, struct pci_address address,
	const struct node_access *access)
{
	CLEANUP(fd_cleanup)
	int fd = openat(sysfs->root_fd, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char self[32];
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return errno;
	/* /dev/vfio is root's alone: what is there is what the kernel put there. */
	if (!S_ISCHR(status.st_mode))
		return EINVAL;
	if (!sysfs->is_real && sysfs_file_is_real(fd))
		return EPERM;
	if (check_binding(sysfs, address, access->link))
		return ESTALE;
	if (fchownat(fd, "", access->has_uid ? access->uid : (uid_t)-1,
		    access->has_gid ? access->gid : (gid_t)-1, AT_EMPTY_PATH) < 0)
		return errno;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (access->has_mode && chmod(self, access->mode & NODE_MODE_MAX) < 0)
		return errno;
	return 0;
}

int vfio_node_set(
	const struct sysfs *sysfs, struct pci_address address, const struct node_access *access)
{
	char paths[2][PATH_SIZE];
	int n = find_paths(sysfs, address, paths), error = 0;

	for (int i = 0; !error && i < n; i++)
		error = set_access(sysfs, paths[i], address, access);
	return n < 0 ? -n : error;
}

int vfio_node_get(const struct sysfs *sysfs, struct pci_address address, struct node_access *ret)
{
	char paths[2][PATH_SIZE];
	struct stat status;
	int n = find_paths(sysfs, address, paths);

	if (n < 0)
		return -n;
	if (fstatat(sysfs->root_fd, paths[0], &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno;
	*ret = (struct node_access){
		.has_uid = true,
		.has_gid = true,
		.has_mode = true,
		.uid = status.st_uid,
		.gid = status.st_gid,
		.mode = status.st_mode & NODE_MODE_MAX,
	};
	return 0;
}

static bool is_set(int root_fd, const char *path, const struct node_access *access)
{
	struct stat status;

	return fstatat(root_fd, path, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       (!access->has_uid || status.st_uid == access->uid) &&
	       (!access->has_gid || status.st_gid == access->gid) &&
	       (!access->has_mode || (status.st_mode & 0777) == (access->mode & NODE_MODE_MAX));
}

bool vfio_node_is_set(
	const struct sysfs *sysfs, struct pci_address address, const struct node_access *access)
{
	char paths[2][PATH_SIZE];
	int n = find_paths(sysfs, address, paths);
	bool all = n > 0;

	for (int i = 0; i < n; i++)
		all &= is_set(sysfs->root_fd, paths[i], access);
	return all;
}
