/* SPDX-License-Identifier: MIT */
/*
 * The folders of sockets.
 *
 * What it must not: give away a folder that is somebody's. Who owns a folder may exchange whatever
 * is in it.
 */
#include "tools/vfiod/folders.h"

#include "core/base/util.h"
#include "core/pci/sysfs.h"
#include "tools/vfiod/log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

int folder_complain(const char *doing, const char *path)
{
	log_say(LOG_ERR, "cannot %s folder %s: %s", doing, path, strerror(errno));
	return -1;
}

int folder_make_parents(const char *path)
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

/* What is below /run is made anew at each boot, by the service manager for us perhaps, as root. */
static bool is_below_run(const char *path)
{
	CLEANUP(free_cleanup) char *resolved = realpath(path, NULL);

	return resolved && strncmp(resolved, "/run/", 5) == 0;
}

static bool holds_sockets_only(int fd)
{
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(fd, ".");
	struct dirent *entry;
	struct stat status;

	if (!dir)
		return false;
	while ((entry = sysfs_readdir(dir))) {
		if (fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
			!S_ISSOCK(status.st_mode))
			return false;
	}
	return true;
}

/* Asks the kernel, as the user: modes, groups and access lists all count. */
static bool user_may_write(const struct identity *user, int fd)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		bool may = setgroups(0, NULL) == 0 &&
			   setresgid(user->gid, user->gid, user->gid) == 0 &&
			   setresuid(user->uid, user->uid, user->uid) == 0 &&
			   faccessat(fd, ".", W_OK | X_OK, 0) == 0;
		_exit(may ? EXIT_SUCCESS : EXIT_FAILURE);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       WEXITSTATUS(status) == EXIT_SUCCESS;
}

static int folders_refuse(const char *path, const struct identity *user)
{
	log_say(LOG_ERR,
		"user %s may not write to folder %s, and vfiod gives away no folder that it did not make: make one for the sockets alone (install -d -o %s %s/vfiod) and name that",
		user->name, path, user->name, path);
	return -1;
}

/* Sees to it that the user may make sockets in the folder, and that they get the group: the user
 * is not in it, and could not give them to it. */
static int folders_prepare(const char *path, bool is_made, const struct identity *user, gid_t group)
{
	const mode_t mode = group == (gid_t)-1 ? 0755 : 02755;
	CLEANUP(fd_cleanup)
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (is_made ? O_NOFOLLOW : 0));
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return folder_complain("open", path);
	bool is_ours = status.st_uid == 0 || status.st_uid == user->uid;
	if (is_made || (is_ours && is_below_run(path) && holds_sockets_only(fd))) {
		/* The mode, whatever the umask was. A service manager that forbids to set a group
		 * id bit (RestrictSUIDSGID=) has made the folder with it. */
		if (fchown(fd, user->uid, group == (gid_t)-1 ? user->gid : group) < 0 ||
			fstat(fd, &status) < 0 ||
			((status.st_mode & 07777) != mode && fchmod(fd, mode) < 0))
			return folder_complain("give away", path);
		return 0;
	}
	return status.st_uid == user->uid || user_may_write(user, fd) ? 0
								      : folders_refuse(path, user);
}

static int folders_make(const char *path, const struct identity *user, gid_t group)
{
	struct stat status;

	if (folder_make_parents(path) < 0)
		return folder_complain("make", path);
	bool is_made = mkdir(path, 0755) == 0;
	if (!is_made && (errno != EEXIST || stat(path, &status) < 0 || !S_ISDIR(status.st_mode)))
		return folder_complain("make", path);
	return user ? folders_prepare(path, is_made, user, group) : 0;
}

int folder_make_for_urls(const char *urls, const struct identity *user, gid_t group)
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
		if (folders_make(url + 6, user, group) < 0)
			return -1;
	}
	return copy ? 0 : folder_complain("make", urls);
}
