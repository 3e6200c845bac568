/* SPDX-License-Identifier: MIT */
/*
 * Giving up root.
 *
 * What it should: leave a process that parses hostile bytes with nothing worth having.
 * What it must not: be undone. The bounding set goes first, while there is the capability to drop
 * it; the ids follow, which empties the other sets; then the process makes sure.
 */
#include "tools/vfiod/sandbox/privileges.h"

#include "tools/vfiod/log/log.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The user's own groups are not kept: group vfiod may change devices, and a device's nodes may be
 * given to any of them. Were main in it, it could open what it is to hand to others. */
static gid_t group_of_nobody(void)
{
	enum { NOGROUP = 65534 };
	const struct passwd *pw = getpwnam("nobody");

	return pw ? pw->pw_gid : NOGROUP;
}

int privileges_find_user(const char *name, bool or_nobody, struct identity *ret)
{
	const struct passwd *pw = getpwnam(name);

	if (!pw && !or_nobody) {
		log_say(LOG_ERR,
			"there is no user %s to run as: make one (useradd --system --user-group %s), or name another with --user",
			name, name);
		return -1;
	}
	if (!pw)
		pw = getpwnam("nobody");
	if (!pw) {
		log_say(LOG_ERR, "there is neither a user %s nor nobody", name);
		return -1;
	}
	*ret = (struct identity){.uid = pw->pw_uid};
	snprintf(ret->name, sizeof(ret->name), "%s", pw->pw_name);
	ret->gid = group_of_nobody();
	return 0;
}

static int privileges_complain(const char *what)
{
	log_say(LOG_ERR, "cannot give up root (%s): %s", what, strerror(errno));
	return -1;
}

/* Capabilities as bits. 0 with *ret, or -1. */
static int get_capabilities(uint64_t *ret)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) < 0)
		return -1;
	*ret = data[0].permitted | (uint64_t)data[1].permitted << 32;
	return 0;
}

/* Permitted and effective become these, inheritable none. */
static int set_capabilities(uint64_t wanted)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	const uint32_t low = (uint32_t)wanted, high = (uint32_t)(wanted >> 32);
	const struct __user_cap_data_struct data[2] = {
		{.permitted = low, .effective = low}, {.permitted = high, .effective = high}};

	return (int)syscall(SYS_capset, &header, data);
}

/* What a program that is started could get back, and uid 0 by being that. */
static int shut_the_way_back(uint64_t wanted)
{
	enum {
		BITS = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
		       SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED
	};

	for (int capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; capability++) {
		if (!(wanted >> capability & 1) && prctl(PR_CAPBSET_DROP, capability) < 0)
			return -1;
	}
	return prctl(PR_SET_SECUREBITS, BITS);
}

int privileges_keep(const int *capabilities, size_t n)
{
	uint64_t wanted = 0, had;

	for (size_t i = 0; i < n; i++)
		wanted |= UINT64_C(1) << capabilities[i];
	if (get_capabilities(&had) < 0)
		return privileges_complain("capabilities");
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return privileges_complain("ambient set");
	/* Who may not do this, being no root or in a container, has little to lose by it. */
	if (had >> CAP_SETPCAP & 1 && shut_the_way_back(wanted) < 0)
		return privileges_complain("bounding set");
	return set_capabilities(wanted & had) < 0 ? privileges_complain("capabilities") : 0;
}

int privileges_drop(const struct identity *identity)
{
	for (int capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; capability++) {
		if (prctl(PR_CAPBSET_DROP, capability) < 0)
			return privileges_complain("bounding set");
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return privileges_complain("ambient set");
	if (setgroups(0, NULL) < 0)
		return privileges_complain("groups");
	if (setresgid(identity->gid, identity->gid, identity->gid) < 0)
		return privileges_complain("group id");
	if (setresuid(identity->uid, identity->uid, identity->uid) < 0)
		return privileges_complain("user id");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return privileges_complain("no_new_privs");
	if (set_capabilities(0) < 0) /* for who runs as root on purpose, by --user */
		return privileges_complain("capabilities");
	if (identity->uid != 0 && setresuid(0, 0, 0) == 0) {
		errno = EINVAL;
		return privileges_complain("it came back");
	}
	return 0;
}
