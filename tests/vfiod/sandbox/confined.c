/* SPDX-License-Identifier: MIT */
#include "tests/vfiod/sandbox/confined.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void child(
	int said, int (*confine)(void *), void *confine_arg, int (*function)(void *), void *arg)
{
	dup2(said, STDERR_FILENO);
	if (confine(confine_arg) != 0)
		_exit(254);
	_exit(function(arg));
}

struct outcome run_confined(
	int (*confine)(void *arg), void *confine_arg, int (*function)(void *arg), void *arg)
{
	struct outcome outcome = {0};
	int ends[2], status;
	size_t length = 0;
	ssize_t n;

	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		child(ends[1], confine, confine_arg, function, arg);
	close(ends[1]);
	while (length < sizeof(outcome.said) - 1 &&
		(n = read(ends[0], outcome.said + length, sizeof(outcome.said) - 1 - length)) > 0)
		length += (size_t)n;
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status))
		outcome.result = WEXITSTATUS(status);
	else
		outcome.result = WTERMSIG(status) == SIGSYS ? KILLED : -100 - WTERMSIG(status);
	return outcome;
}

int count_said(const struct outcome *outcome, const char *text)
{
	int n = 0;

	for (const char *s = outcome->said; (s = strstr(s, text)); s += strlen(text))
		n++;
	return n;
}
