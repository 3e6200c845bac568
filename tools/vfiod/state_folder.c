/* SPDX-License-Identifier: MIT */
/*
 * The state folder.
 *
 * What it should: be done by descriptors, from the top, so that what was looked at is what is
 * changed, and nobody but root can change it any more when what is below is looked at.
 * What it must not: follow a link that the daemon's user has made, or give away a file that it has
 * linked to.
 */
#include "tools/vfiod/state_folder.h"

#include "core/base/util.h"
#include "tools/vfiod/folders.h"
#include "tools/vfiod/log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

enum { HOW = O_RDONLY | O_DIRECTORY | O_CLOEXEC };

/* The database last: only once it is in its place has it been moved. */
static const char *const DATABASE[] = {"state.db-wal", "state.db-shm", "state.db"};

/* Where we are, for all steps. */
struct opening {
	const char *path;
	const struct identity *user; /* NULL: not root */
	int fd, daemon_fd;
};

static void opening_clear(struct opening *o)
{
	fd_cleanup(&o->fd);
	fd_cleanup(&o->daemon_fd);
}

static int state_folder_refuse(const struct opening *o, const char *name, const char *why)
{
	log_say(LOG_ERR, "%s%s%s: %s", o->path, *name ? "/" : "", name, why);
	return -1;
}

static int state_folder_complain(const struct opening *o, const char *doing, const char *name)
{
	log_say(LOG_ERR, "cannot %s %s%s%s: %s", doing, o->path, *name ? "/" : "", name,
		strerror(errno));
	return -1;
}

/* Sets what differs, so that a folder that is right may be on a file system that takes no writes.
 */
static int state_folder_set(int fd, uid_t uid, gid_t gid, mode_t mode)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -1;
	if ((status.st_uid != uid || status.st_gid != gid) && fchown(fd, uid, gid) < 0)
		return -1;
	return (status.st_mode & 07777) != mode ? fchmod(fd, mode) : 0;
}

/* Whether the user could exchange what is in a folder, or the folder itself. */
static bool may_exchange(const struct identity *user, const struct stat *folder)
{
	bool writes = (folder->st_mode & S_IWOTH) ||
		      ((folder->st_mode & S_IWGRP) && folder->st_gid == user->gid);

	return folder->st_uid == user->uid || (writes && !(folder->st_mode & S_ISVTX));
}

/* The folders above. */
static int check_above(const struct opening *o)
{
	CLEANUP(fd_cleanup) int at = openat(o->fd, ".", HOW);
	struct stat status, below;

	if (at < 0 || fstat(at, &status) < 0)
		return state_folder_complain(o, "look at", "");
	do {
		below = status;
		int up = openat(at, "..", HOW);
		if (up < 0 || fstat(up, &status) < 0) {
			fd_cleanup(&up);
			return state_folder_complain(o, "look above", "");
		}
		close(at);
		at = up;
		bool is_top = status.st_dev == below.st_dev && status.st_ino == below.st_ino;
		if (!is_top && may_exchange(o->user, &status))
			return state_folder_refuse(o, "",
				"the user that vfiod runs as could exchange this folder, for it may write to one above it: choose another --state");
	} while (status.st_dev != below.st_dev || status.st_ino != below.st_ino);
	return 0;
}

/* Takes the folder itself. From here on nobody but root can move what is in it. */
static int state_folder_take(const struct opening *o)
{
	struct stat status;

	if (fstat(o->fd, &status) < 0)
		return state_folder_complain(o, "look at", "");
	if (!o->user)
		return status.st_uid == geteuid() &&
				       state_folder_set(o->fd, status.st_uid, status.st_gid, 0700)
			       ? state_folder_complain(o, "set the mode of", "")
			       : 0;
	if (status.st_uid != 0 && status.st_uid != o->user->uid)
		return state_folder_refuse(o, "",
			"the state folder is somebody else's: if it is vfiod's, give it to root (chown root), or choose another --state");
	if (status.st_mode & S_ISVTX)
		return state_folder_refuse(
			o, "", "everybody may write here: choose a folder of vfiod's alone");
	/* One of the daemon's own is an older version's, which holds this lock as long as it runs.
	 */
	if (status.st_uid != 0 && flock(o->fd, LOCK_EX | LOCK_NB) < 0)
		return state_folder_refuse(o, "",
			"another vfiod uses the state folder: stop it first, or give this one a --state of its own");
	return state_folder_set(o->fd, 0, 0, 0755) < 0 ? state_folder_complain(o, "take back", "")
						       : 0;
}

/* Opens a folder in the state folder, making it when it is missing. A descriptor or -1. */
static int open_inside(const struct opening *o, const char *name, mode_t mode)
{
	if (mkdirat(o->fd, name, mode) < 0 && errno != EEXIST)
		return state_folder_complain(o, "make", name);
	int fd = openat(o->fd, name, HOW | O_NOFOLLOW);
	return fd < 0 ? state_folder_complain(o, "open", name) : fd;
}

static int open_locks(const struct opening *o, int *ret)
{
	CLEANUP(fd_cleanup) int fd = open_inside(o, "locks", 0750);
	struct stat status;

	if (fd < 0)
		return -1;
	if (fstat(fd, &status) < 0)
		return state_folder_complain(o, "look at", "locks");
	/* It may hold locks that no write has taken, and lack those that one has. */
	if (status.st_uid != geteuid())
		return state_folder_refuse(o, "locks",
			"somebody else has made this folder, in which vfiod is to keep its locks: remove it, or restart the host if a device may still be being unbound");
	if (o->user && state_folder_set(fd, 0, o->user->gid, 0750) < 0)
		return state_folder_complain(o, "set the mode of", "locks");
	*ret = fd;
	fd = -1;
	return 0;
}

static bool is_there(int fd, const char *name)
{
	return faccessat(fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Gives one file of the database to the user. Its folder is root's meanwhile. */
static int give_file(const struct opening *o, const char *name)
{
	CLEANUP(fd_cleanup) int fd = openat(o->daemon_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char self[32];
	struct stat status;

	if (fd < 0)
		return errno == ENOENT ? 0 : state_folder_complain(o, "open", name);
	if (fstat(fd, &status) < 0)
		return state_folder_complain(o, "look at", name);
	/* Whatever else it is, it stays whose it is; the database says so when it opens it. */
	if (!S_ISREG(status.st_mode) || status.st_nlink != 1)
		return 0;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return fchownat(fd, "", o->user->uid, o->user->gid, AT_EMPTY_PATH) < 0 ||
			       chmod(self, 0600) < 0
		       ? state_folder_complain(o, "give away", name)
		       : 0;
}

/* Moves the database of an older version. What is cut off goes on at the next start. */
static int move_database(const struct opening *o)
{
	struct stat status;

	for (size_t i = 0; i < ARRAY_SIZE(DATABASE); i++) {
		const char *name = DATABASE[i];

		if (fstatat(o->fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0) {
			if (errno == ENOENT)
				continue;
			return state_folder_complain(o, "look at", name);
		}
		if (!S_ISREG(status.st_mode) || status.st_nlink != 1)
			return state_folder_refuse(o, name,
				"this is no plain file of an older vfiod: restore it from a backup, or remove it to begin without records");
		if (renameat(o->fd, name, o->daemon_fd, name) < 0)
			return state_folder_complain(o, "move", name);
	}
	return 0;
}

/* Whether the daemon's folder is not yet as it has to be. */
static int is_to_be_given(const struct opening *o, bool to_move)
{
	struct stat status;

	if (fstat(o->daemon_fd, &status) < 0)
		return state_folder_complain(o, "look at", "daemon");
	return to_move || status.st_uid != o->user->uid || status.st_gid != o->user->gid ||
	       (status.st_mode & 07777) != 0700;
}

/* The daemon's own folder, and the database in it. */
static int prepare_daemon(const struct opening *o)
{
	bool to_move = is_there(o->fd, "state.db") && !is_there(o->daemon_fd, "state.db");

	if (!o->user)
		return to_move ? move_database(o) : 0;
	int to_give = is_to_be_given(o, to_move);
	if (to_give <= 0)
		return to_give;
	if (state_folder_set(o->daemon_fd, 0, 0, 0700) < 0)
		return state_folder_complain(o, "take back", "daemon");
	if (to_move && move_database(o) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(DATABASE); i++) {
		if (give_file(o, DATABASE[i]) < 0)
			return -1;
	}
	return state_folder_set(o->daemon_fd, o->user->uid, o->user->gid, 0700) < 0
		       ? state_folder_complain(o, "give away", "daemon")
		       : 0;
}

static int open_top(struct opening *o)
{
	if (folder_make_parents(o->path) < 0 ||
		(mkdir(o->path, o->user ? 0755 : 0700) < 0 && errno != EEXIST))
		return folder_complain("make", o->path);
	o->fd = open(o->path, HOW);
	return o->fd < 0 ? folder_complain("open", o->path) : 0;
}

int state_folder_open(const char *path, const struct identity *user, struct state_folder *ret)
{
	CLEANUP(opening_clear)
	struct opening o = {.path = path, .user = user, .fd = -1, .daemon_fd = -1};
	CLEANUP(state_folder_clear) struct state_folder folder = {.locks_fd = -1};

	if (open_top(&o) < 0 || (user && user->uid != 0 && check_above(&o) < 0) ||
		state_folder_take(&o) < 0 || open_locks(&o, &folder.locks_fd) < 0)
		return -1;
	o.daemon_fd = open_inside(&o, "daemon", 0700);
	if (o.daemon_fd < 0 || prepare_daemon(&o) < 0)
		return -1;
	if (asprintf(&folder.daemon, "%s/daemon", path) < 0) {
		folder.daemon = NULL;
		return folder_complain("name", path);
	}
	*ret = folder;
	folder = (struct state_folder){.locks_fd = -1};
	return 0;
}

void state_folder_clear(struct state_folder *folder)
{
	free(folder->daemon);
	fd_cleanup(&folder->locks_fd);
	*folder = (struct state_folder){.locks_fd = -1};
}
