/* SPDX-License-Identifier: MIT */
/*
 * Access to /sys, /proc and /dev below a root.
 *
 * Every path of the engine is relative to a directory fd, never absolute, so that the same code
 * serves the running kernel, a simulated host and a captured tree. Text read from there is hostile:
 * it is bounded, cut at the first newline and made valid UTF-8 (core/base/text.h).
 */
#pragma once

#include "core/pci/address.h"

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The directories from which everything else is opened; by sysfs_open (core/pci/real.h). */
/* Which of the host's processes can be seen (core/use/sight.h). */
enum sight {
	SIGHT_ALL,
	SIGHT_PID_NAMESPACE,  /* those of one, which is not the host's */
	SIGHT_USER_NAMESPACE, /* the same of a user namespace */
	SIGHT_UNPRIVILEGED,   /* those of one user, or not even these */
};

struct sysfs {
	char *root; /* "/" or the simulated host's folder; owned */
	int root_fd;
	int devices_fd; /* sys/bus/pci/devices; -1 on a host without PCI */
	bool is_real;	/* a write below the root could reach this machine's devices */
	enum sight sight;
};

#define SYSFS_INIT                                                                                 \
	{                                                                                          \
		.root_fd = -1, .devices_fd = -1                                                    \
	}

/* Closes what is open; fine on SYSFS_INIT. */
void sysfs_close(struct sysfs *sysfs);

/* Opens the same folders with descriptors of their own, because a path may lead elsewhere by now. 0
 * or a negative errno. */
int sysfs_share(const struct sysfs *sysfs, struct sysfs *ret);

/* Reads an attribute as one line into buf, NUL-terminated, its newline dropped. Returns the length
 * or a negative errno (-ENOENT: no such attribute; -ENODEV: the device went). One that does not
 * fit is -EFBIG. */
ssize_t sysfs_read(int dirfd, const char *path, char *buf, size_t size);

/* Reads an attribute that is a number, with or without 0x. 0 or a negative errno; -EINVAL when it
 * is none. */
int sysfs_read_u64(int dirfd, const char *path, uint64_t *ret);

/* The last component of a link's target: the name of a driver, the number of a group. Returns its
 * length or a negative errno. */
ssize_t sysfs_link_name(int dirfd, const char *path, char *buf, size_t size);

bool sysfs_exists(int dirfd, const char *path);

/* Opens a directory for reading its entries; the caller closes it. NULL with errno set. */
DIR *sysfs_opendir(int dirfd, const char *path);

/* The next entry other than "." and "..", or NULL at the end. */
struct dirent *sysfs_readdir(DIR *dir);

/* Reads a whole file of at most max bytes into a fresh buffer, NUL-terminated. The caller frees it.
 * NULL with errno set; EFBIG when there is more. */
char *sysfs_slurp(int dirfd, const char *path, size_t max, size_t *ret_len);

/* The same for an open file, which remains the caller's. */
char *sysfs_slurp_fd(int fd, size_t max, size_t *ret_len);
