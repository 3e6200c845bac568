/* SPDX-License-Identifier: MIT */
/* Access to /sys, /proc and /dev below a root. */
#include "core/pci/sysfs.h"
#include "core/base/text.h"
#include "core/base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

/* A FIFO below a simulated root must not keep a reader waiting for somebody to write. */
enum { READ_HOW = O_RDONLY | O_CLOEXEC | O_NONBLOCK };

int sysfs_share(const struct sysfs *sysfs, struct sysfs *ret)
{
	struct sysfs s = SYSFS_INIT;

	s.is_real = sysfs->is_real;
	s.sight = sysfs->sight;
	s.root = strdup(sysfs->root);
	s.root_fd = fcntl(sysfs->root_fd, F_DUPFD_CLOEXEC, 3);
	if (sysfs->devices_fd >= 0)
		s.devices_fd = fcntl(sysfs->devices_fd, F_DUPFD_CLOEXEC, 3);
	if (!s.root || s.root_fd < 0 || (sysfs->devices_fd >= 0 && s.devices_fd < 0)) {
		sysfs_close(&s);
		return -EMFILE;
	}
	*ret = s;
	return 0;
}

void sysfs_close(struct sysfs *sysfs)
{
	fd_cleanup(&sysfs->devices_fd);
	fd_cleanup(&sysfs->root_fd);
	free(sysfs->root);
	*sysfs = (struct sysfs)SYSFS_INIT;
}

ssize_t sysfs_read(int dirfd, const char *path, char *buf, size_t size)
{
	CLEANUP(fd_cleanup) int fd = openat(dirfd, path, READ_HOW);

	if (fd < 0)
		return -errno;
	ssize_t n = read(fd, buf, size);
	if (n < 0)
		return -errno;
	char *end = memchr(buf, '\n', (size_t)n);
	if (!end && (size_t)n == size)
		return -EFBIG;
	if (!end)
		end = buf + n;
	*end = '\0';
	text_clean(buf);
	return (ssize_t)strlen(buf);
}

int sysfs_read_u64(int dirfd, const char *path, uint64_t *ret)
{
	char text[32] = "", *end;
	ssize_t n = sysfs_read(dirfd, path, text, sizeof(text));

	if (n < 0)
		return (int)n;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 0);
	if (errno || end == text || *end || text[0] == '-')
		return -EINVAL;
	*ret = value;
	return 0;
}

ssize_t sysfs_link_name(int dirfd, const char *path, char *buf, size_t size)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dirfd, path, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	const char *slash = strrchr(target, '/');
	const char *name = slash ? slash + 1 : target;
	size_t len = strlen(name);
	if (len == 0 || len >= size)
		return -EFBIG;
	memcpy(buf, name, len + 1);
	text_clean(buf);
	return (ssize_t)len;
}

bool sysfs_exists(int dirfd, const char *path)
{
	return faccessat(dirfd, path, F_OK, 0) == 0;
}

DIR *sysfs_opendir(int dirfd, const char *path)
{
	CLEANUP(fd_cleanup) int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir)
		fd = -1;
	return dir;
}

struct dirent *sysfs_readdir(DIR *dir)
{
	struct dirent *entry;

	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			break;
	}
	return entry;
}

char *sysfs_slurp_fd(int fd, size_t max, size_t *ret_len)
{
	CLEANUP(free_cleanup) char *buf = NULL;
	size_t len = 0, size = 0;

	for (;;) {
		if (size - len < 2) {
			size = size ? size * 2 : 4096;
			char *grown = realloc(buf, size);
			if (!grown)
				return NULL;
			buf = grown;
		}
		ssize_t n = read(fd, buf + len, size - len - 1);
		if (n < 0)
			return NULL;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > max) {
			errno = EFBIG;
			return NULL;
		}
	}
	buf[len] = '\0';
	*ret_len = len;
	return STEAL(buf);
}

char *sysfs_slurp(int dirfd, const char *path, size_t max, size_t *ret_len)
{
	CLEANUP(fd_cleanup) int fd = openat(dirfd, path, READ_HOW);

	return fd < 0 ? NULL : sysfs_slurp_fd(fd, max, ret_len);
}
