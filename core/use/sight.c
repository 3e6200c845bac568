/* SPDX-License-Identifier: MIT */
/* Whether vfiod sees all processes of the host. */
#include "core/use/sight.h"

#include "core/base/util.h"

#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

/* The inodes of the first namespaces are constants of the kernel (include/linux/proc_ns.h). */
#define FIRST_PID_NAMESPACE "pid:[4026531836]"
#define FIRST_USER_NAMESPACE "user:[4026531837]"

/* The namespace of the /proc is that of its first process, whatever ours is. */
static bool is_first(const struct sysfs *sysfs, const char *link, const char *first)
{
	char text[64];
	ssize_t n = readlinkat(sysfs->root_fd, link, text, sizeof(text) - 1);

	if (n < 0)
		return false;
	text[n] = '\0';
	return strcmp(text, first) == 0;
}

/* Who has the capability sees every process, whatever hidepid= is, and its files. */
static bool may_look_into_others(const struct sysfs *sysfs)
{
	size_t len;
	CLEANUP(free_cleanup)
	char *status = sysfs_slurp(sysfs->root_fd, "proc/self/status", 1 << 16, &len);
	const char *line = status ? strstr(status, "\nCapEff:") : NULL;
	unsigned long long capabilities;

	return line && sscanf(line, "\nCapEff: %llx", &capabilities) == 1 &&
	       (capabilities & 1ULL << CAP_SYS_PTRACE);
}

enum sight sight_find(const struct sysfs *sysfs)
{
	if (!sysfs->is_real)
		return SIGHT_ALL;
	if (!is_first(sysfs, "proc/self/ns/user", FIRST_USER_NAMESPACE))
		return SIGHT_USER_NAMESPACE;
	if (!may_look_into_others(sysfs))
		return SIGHT_UNPRIVILEGED;
	return is_first(sysfs, "proc/1/ns/pid", FIRST_PID_NAMESPACE) ? SIGHT_ALL
								     : SIGHT_PID_NAMESPACE;
}

const char *sight_describe(enum sight sight)
{
	switch (sight) {
	case SIGHT_ALL:
		break;
	case SIGHT_PID_NAMESPACE:
		return "vfiod is in a PID namespace of its own";
	case SIGHT_USER_NAMESPACE:
		return "vfiod is in a user namespace of its own";
	case SIGHT_UNPRIVILEGED:
		return "vfiod may not look into other users' processes";
	}
	return "";
}
