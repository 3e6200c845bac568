/* SPDX-License-Identifier: MIT */
/* Reading what may block, in a process that can be left behind. */
#include "tools/vfioctl/capture/child.h"

#include "core/base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

void *capture_share(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void capture_unshare(void *memory, size_t size)
{
	if (memory)
		munmap(memory, size);
}

/* Waits for the other end to be closed. False when it fell silent before. */
static bool await_end(int fd, int silence_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char beats[512];

	for (;;) {
		int r = poll(&p, 1, silence_ms);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return false;
		if (read(fd, beats, sizeof(beats)) <= 0)
			return true;
	}
}

bool capture_in_child(void (*work)(void *arg, int beat), void *arg, int silence_ms)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	CLEANUP(fd_cleanup) int ours = ends[0];
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		/* Nobody reads what is written after the parent is gone. */
		signal(SIGPIPE, SIG_DFL);
		work(arg, ends[1]);
		_exit(0);
	}
	close(ends[1]);
	if (pid < 0)
		return false;
	bool ended = await_end(ours, silence_ms);
	if (!ended)
		kill(pid, SIGKILL);
	/* A child that waits for a lock of the kernel's dies when it gets it, which may be never.
	 */
	waitpid(pid, NULL, ended ? 0 : WNOHANG);
	return ended;
}
