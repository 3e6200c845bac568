/* SPDX-License-Identifier: MIT */
/* Whose a folder is. */
#include "tools/vfiod/owner.h"

#include "core/base/util.h"
#include "tools/vfiod/log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int owner_check(const char *path)
{
	CLEANUP(fd_cleanup) int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		log_say(LOG_ERR, "cannot open folder %s: %s", path, strerror(errno));
		return -1;
	}
	if (st.st_uid == geteuid() || st.st_uid == 0)
		return 0;
	log_say(LOG_ERR,
		"the state folder %s belongs to another user (uid %u), who could replace what is kept there; give another one with --state DIR",
		path, st.st_uid);
	return -1;
}
