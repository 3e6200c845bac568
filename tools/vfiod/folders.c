/* SPDX-License-Identifier: MIT */
/* The folders of state and sockets. */
#include "tools/vfiod/folders.h"

#include "core/sysfs.h"
#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int complain(const char *doing, const char *path)
{
	fprintf(stderr, "vfiod: cannot %s folder %s: %s\n", doing, path, strerror(errno));
	return -1;
}

static int make_parents(const char *path)
{
	char parent[PATH_MAX];

	if (snprintf(parent, sizeof(parent), "%s", path) >= (int)sizeof(parent)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	for (char *s = strchr(parent + 1, '/'); s; s = strchr(s + 1, '/')) {
		*s = '\0';
		if (mkdir(parent, 0755) < 0 && errno != EEXIST)
			return -1;
		*s = '/';
	}
	return 0;
}

static bool is_empty(const char *path)
{
	CLEANUP(dir_cleanup) DIR *dir = opendir(path);

	return dir && !sysfs_readdir(dir);
}

int folder_make(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
	struct stat st;

	if (make_parents(path) < 0)
		return complain("make", path);
	if (mkdir(path, mode) < 0) {
		if (errno != EEXIST || stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
			return complain("make", path);
		/* A folder with something in it may be /run or /tmp: never given away. */
		if (st.st_uid == uid || (st.st_mode & S_ISVTX) || !is_empty(path))
			return 0;
	}
	if (uid != (uid_t)-1 && lchown(path, uid, gid) < 0)
		return complain("give away", path);
	return 0;
}

int folder_make_for_url(const char *urls, uid_t uid, gid_t gid)
{
	CLEANUP(free_cleanup) char *copy = strdup(urls);
	char *save = NULL;

	for (char *url = copy ? strtok_r(copy, ",", &save) : NULL; url;
		url = strtok_r(NULL, ",", &save)) {
		if (strncmp(url, "ipc://", 6) != 0)
			continue;
		char *slash = strrchr(url + 6, '/');
		if (!slash || slash == url + 6)
			continue;
		*slash = '\0';
		if (folder_make(url + 6, 0755, uid, gid) < 0)
			return -1;
	}
	return copy ? 0 : complain("make", urls);
}

int folder_open_locks(const char *state)
{
	CLEANUP(fd_cleanup) int state_fd = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (state_fd < 0)
		return complain("open", state);
	if (mkdirat(state_fd, "locks", 0755) < 0 && errno != EEXIST)
		return complain("make", "locks in the state folder");
	int fd = openat(state_fd, "locks", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? complain("open", "locks in the state folder") : fd;
}
