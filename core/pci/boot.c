/* SPDX-License-Identifier: MIT */
/* Which boot of the host this is. */
#include "core/pci/boot.h"
#include "core/base/util.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A tree of files has no boots: what is written there lasts as long as the state folder. */
int boot_read_id(const struct sysfs *sysfs, char ret[static BOOT_ID_SIZE])
{
	char id[BOOT_ID_SIZE];
	ssize_t n = sysfs_read(sysfs->root_fd, "proc/sys/kernel/random/boot_id", id, sizeof(id));

	if (n == -ENOENT && !sysfs->is_real)
		n = snprintf(id, sizeof(id), "simulated");
	else if (n >= 0 && (n == 0 || id[strspn(id, "0123456789abcdef-")]))
		n = -EINVAL;
	if (n < 0)
		return (int)n;
	memcpy(ret, id, sizeof(id));
	return 0;
}

/* The line "btime SECONDS" of /proc/stat, which has a long line for interrupts before it. */
static int64_t boot_read_time(const struct sysfs *sysfs)
{
	enum { MAX = 1 << 20 };
	size_t len;
	CLEANUP(free_cleanup) char *text = sysfs_slurp(sysfs->root_fd, "proc/stat", MAX, &len);
	const char *line = text;

	while (line && strncmp(line, "btime ", 6) != 0) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	long long time = line ? strtoll(line + 6, NULL, 10) : 0;
	return time > 0 ? time : INT64_MAX;
}

int boot_read(const struct sysfs *sysfs, struct boot *ret)
{
	int error = boot_read_id(sysfs, ret->id);

	if (!error)
		ret->time = boot_read_time(sysfs);
	return error;
}
