/* SPDX-License-Identifier: MIT */
/* Parses the owner and mode of VFIO nodes from a request. */
#include "rpc/device/access.h"

#include "core/base/util.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

/* A number written in digits alone. UINT32_MAX means "leave alone" to chown, and is none. */
static bool parse_number(const char *text, int base, uint32_t max, uint32_t *ret)
{
	char *end;

	if (strspn(text, base == 8 ? "01234567" : "0123456789") != strlen(text) || !*text)
		return false;
	errno = 0;
	unsigned long value = strtoul(text, &end, base);
	*ret = (uint32_t)value;
	return errno == 0 && value <= max;
}

static bool find_user(const char *name, uint32_t *ret)
{
	struct passwd entry, *found = NULL;
	char buf[4096];

	if (parse_number(name, 10, UINT32_MAX - 1, ret))
		return true;
	if (getpwnam_r(name, &entry, buf, sizeof(buf), &found) != 0 || !found)
		return false;
	*ret = found->pw_uid;
	return true;
}

static bool find_group(const char *name, uint32_t *ret)
{
	struct group entry, *found = NULL;
	char buf[16384];

	if (parse_number(name, 10, UINT32_MAX - 1, ret))
		return true;
	if (getgrnam_r(name, &entry, buf, sizeof(buf), &found) != 0 || !found)
		return false;
	*ret = found->gr_gid;
	return true;
}

static int parse_owner(const char *owner, struct node_access *access, struct core_error *err)
{
	char user[64];
	const char *colon = strchrnul(owner, ':');
	int n = snprintf(user, sizeof(user), "%.*s", (int)(colon - owner), owner);

	if (n >= (int)sizeof(user))
		return core_fail(err, CORE_INVALID, "node_owner: there is no user of that name");
	access->has_uid = user[0] != '\0';
	access->has_gid = colon[0] && colon[1];
	if (!access->has_uid && !access->has_gid)
		return core_fail(err, CORE_INVALID,
			"node_owner: expected USER, USER:GROUP or :GROUP, got \"%.32s\"", owner);
	if (access->has_uid && !find_user(user, &access->uid))
		return core_fail(err, CORE_INVALID, "node_owner: there is no user %.32s", user);
	if (access->has_gid && !find_group(colon + 1, &access->gid))
		return core_fail(
			err, CORE_INVALID, "node_owner: there is no group %.32s", colon + 1);
	return 0;
}

int device_parse_access(
	const char *owner, const char *mode, struct node_access *ret, struct core_error *err)
{
	struct node_access access = {0};

	if (owner[0] && parse_owner(owner, &access, err))
		return -1;
	access.has_mode = mode[0] != '\0';
	if (access.has_mode && (!parse_number(mode, 8, NODE_MODE_MAX, &access.mode) ||
				       access.mode & ~(uint32_t)NODE_MODE_MAX))
		return core_fail(err, CORE_INVALID,
			"node_mode: expected octal permissions of at most 0660, such as \"0660\", got \"%.16s\"",
			mode);
	*ret = access;
	return 0;
}
