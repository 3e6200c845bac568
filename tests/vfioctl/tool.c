/* SPDX-License-Identifier: MIT */
/* Running vfioctl as a user does. */
#include "tests/vfioctl/tool.h"

#include <fcntl.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { ARGUMENTS_MAX = 16 };

/* A file in memory: unlike a pipe it is never full, so nobody need read while the tool writes. */
static int new_file(void)
{
	int fd = memfd_create("output", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static char *take_file(int fd)
{
	struct stat st;
	char *text;

	assert_int_equal(fstat(fd, &st), 0);
	text = calloc(1, (size_t)st.st_size + 1);
	assert_non_null(text);
	assert_int_equal(pread(fd, text, (size_t)st.st_size, 0), st.st_size);
	close(fd);
	return text;
}

static pid_t start(const char *program, const char *const *arguments, int out, int err)
{
	/* posix_spawn takes writable strings, and writes to none. */
	char *argv[ARGUMENTS_MAX + 2] = {(char *)(uintptr_t)program};
	posix_spawn_file_actions_t actions;
	pid_t pid;

	for (size_t i = 0; arguments[i]; i++) {
		assert_true(i < ARGUMENTS_MAX);
		argv[i + 1] = (char *)(uintptr_t)arguments[i];
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	posix_spawn_file_actions_adddup2(&actions, err, 2);
	assert_int_equal(posix_spawn(&pid, program, &actions, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	return pid;
}

struct tool_run tool_run(const char *program, const char *url, const char *const *arguments)
{
	int out = new_file(), err = new_file();
	struct tool_run run;
	int status;
	pid_t pid;

	setenv("VFIOD_RPC", url, 1);
	pid = start(program, arguments, out, err);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	run.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	run.out = take_file(out);
	run.err = take_file(err);
	return run;
}

void tool_run_clear(struct tool_run *run)
{
	free(run->out);
	free(run->err);
}
