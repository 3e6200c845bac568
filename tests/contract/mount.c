/* SPDX-License-Identifier: MIT */
/* The host that the cases speak of, mounted. */
#include "tests/contract/mount.h"

#include "core/base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { WAIT_MS = 20000 };

struct mount {
	char folder[64];
	pid_t simhost;
};

bool mount_possible(void)
{
	if (access("/dev/fuse", R_OK | W_OK) == 0)
		return true;
	printf("skipped: the cases need a simulated host, and /dev/fuse cannot be opened (%s); load the module fuse, or give the container the device\n",
		strerror(errno));
	return false;
}

static void run_simhost(const char *folder)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	execl(SIMHOST, "simhost", "--foreground", CONTRACT_HOST, folder, NULL);
	_exit(127);
}

/* The kernel tells of mounts, and of the end of the process; control is there once mounted. */
static bool await_control(const struct mount *m)
{
	CLEANUP(fd_cleanup) int mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	CLEANUP(fd_cleanup) int process = (int)syscall(SYS_pidfd_open, m->simhost, 0);
	struct pollfd fds[] = {
		{.fd = mounts, .events = POLLPRI}, {.fd = process, .events = POLLIN}};
	char control[96];

	snprintf(control, sizeof(control), "%s/control", m->folder);
	while (access(control, F_OK) != 0) {
		if (poll(fds, 2, WAIT_MS) <= 0 || fds[1].revents)
			return false;
	}
	return true;
}

struct mount *mount_new(struct why *why)
{
	struct mount *m = calloc(1, sizeof(*m));

	if (!m)
		abort();
	strcpy(m->folder, "/tmp/vfiod-contract-host-XXXXXX");
	if (!mkdtemp(m->folder))
		abort();
	m->simhost = fork();
	if (m->simhost == 0)
		run_simhost(m->folder);
	if (m->simhost > 0 && await_control(m))
		return m;
	why_not(why, "cannot mount %s on %s", CONTRACT_HOST, m->folder);
	mount_free(m);
	return NULL;
}

const char *mount_root(const struct mount *mount)
{
	return mount->folder;
}

void mount_free(struct mount *m)
{
	if (!m)
		return;
	if (m->simhost > 0) {
		kill(m->simhost, SIGTERM);
		waitpid(m->simhost, NULL, 0);
	}
	rmdir(m->folder);
	free(m);
}
