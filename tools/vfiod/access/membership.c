/* SPDX-License-Identifier: MIT */
/* Whether a user is in a group, by the host's user database. */
#include "tools/vfiod/access/membership.h"

#include "core/base/util.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>

enum {
	ENTRY_MIN = 1024,
	ENTRY_MAX = 1024 * 1024, /* an entry in the database, in bytes */
	GROUPS_MIN = 64,
	GROUPS_MAX = 65536, /* what the kernel lets a process have */
};

/* Name and primary group. 1; 0 where there is no such user; or a negative errno. *buf holds the
 * entry, and is the caller's to free. */
static int read_user(uid_t uid, struct passwd *ret, char **buf)
{
	struct passwd *found;
	int error = ERANGE;

	for (size_t size = ENTRY_MIN; error == ERANGE && size <= ENTRY_MAX; size *= 2) {
		char *grown = realloc(*buf, size);

		if (!grown)
			return -ENOMEM;
		*buf = grown;
		do
			error = getpwuid_r(uid, ret, *buf, size, &found);
		while (error == EINTR);
	}
	/* Some modules of NSS have an errno for "no such user". */
	if (error == ENOENT || error == ESRCH)
		return 0;
	return error ? -error : found != NULL;
}

/* How many groups, in *groups, which is the caller's to free; or a negative errno. */
static int read_groups(const struct passwd *user, gid_t **groups)
{
	for (int size = GROUPS_MIN; size <= GROUPS_MAX; size *= 2) {
		gid_t *grown = reallocarray(*groups, (size_t)size, sizeof(**groups));
		int n = size;

		if (!grown)
			return -ENOMEM;
		*groups = grown;
		if (getgrouplist(user->pw_name, user->pw_gid, *groups, &n) >= 0)
			return n;
	}
	return -ERANGE;
}

/* For a list of groups, glibc does not tell when a directory could not be asked: the list is short
 * then. Of one group it tells: 0, or a negative errno where the group's own directory is out of
 * order. */
static int confirm_no(gid_t group)
{
	CLEANUP(free_cleanup) char *buf = NULL;
	struct group entry, *found;
	int error = ERANGE;

	for (size_t size = ENTRY_MIN; error == ERANGE && size <= ENTRY_MAX; size *= 2) {
		free(buf);
		buf = malloc(size);
		if (!buf)
			return -ENOMEM;
		do
			error = getgrgid_r(group, &entry, buf, size, &found);
		while (error == EINTR);
	}
	/* A group too long for us is there. */
	return error == ERANGE || error == ENOENT || error == ESRCH ? 0 : -error;
}

/* Whether the user is in the group: 1, 0 or a negative errno. */
static int look_for(const struct passwd *user, gid_t group)
{
	CLEANUP(free_cleanup) gid_t *groups = NULL;
	int n = read_groups(user, &groups);

	for (int i = 0; i < n; i++) {
		if (groups[i] == group)
			return 1;
	}
	return n < 0 ? n : confirm_no(group);
}

int membership_read(uid_t uid, gid_t group, char ret_name[MEMBERSHIP_NAME])
{
	CLEANUP(free_cleanup) char *buf = NULL;
	struct passwd user;
	int n = read_user(uid, &user, &buf);

	if (n > 0 && ret_name)
		snprintf(ret_name, MEMBERSHIP_NAME, "%s", user.pw_name);
	return n <= 0 ? n : look_for(&user, group);
}
