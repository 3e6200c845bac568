/* SPDX-License-Identifier: MIT */
/* Where a vfiod that is not root's keeps its files: in a place of its user's, or nowhere. */
#include "tools/vfiod/options.h"
#include "tools/vfiod/owner.h"

#include "core/base/util.h"

#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { NOBODY = 65534, STRANGER = 12345, OUTPUT_SIZE = 1024 };

/* An environment, and what comes of a start in it by somebody who is not root: its files, or the
 * sentence it is refused with. */
struct row {
	const char *runtime, *state, *home; /* NULL: not set */
	char *argument;			    /* NULL: none */
	const char *expected;
};

static void set_or_unset(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

/* In a process of its own, whose output is all that is seen of it. */
static void try_options(const struct row *row)
{
	char name[] = "vfiod", *argv[] = {name, row->argument, NULL};
	struct options o;

	if (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) < 0)
		_exit(99);
	set_or_unset("XDG_RUNTIME_DIR", row->runtime);
	set_or_unset("XDG_STATE_HOME", row->state);
	set_or_unset("HOME", row->home);
	optind = 0;
	if (options_parse(row->argument ? 2 : 1, argv, &o) == OPTIONS_RUN)
		dprintf(STDERR_FILENO, "%s %s %s", o.rpc, o.events, o.state);
	_exit(0);
}

/* Runs it; *ret_output is what it wrote to stderr. */
static void run_apart(
	void (*run)(const struct row *row), const struct row *row, char output[static OUTPUT_SIZE])
{
	int pipe_fds[2], status;
	size_t len = 0;
	ssize_t n;

	assert_int_equal(pipe(pipe_fds), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(pipe_fds[1], STDERR_FILENO);
		run(row);
	}
	close(pipe_fds[1]);
	while (len < OUTPUT_SIZE - 1 &&
		(n = read(pipe_fds[0], output + len, OUTPUT_SIZE - 1 - len)) > 0)
		len += (size_t)n;
	output[len] = '\0';
	close(pipe_fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void files_are_in_a_place_of_the_users(void **state)
{
	static char all[] = "--state=/var/tmp/x", other[] = "--rpc=ipc:///srv/x.sock";
	static const struct row rows[] = {
		{"/run/user/7", "/s", "/home/u", NULL,
			"ipc:///run/user/7/vfiod/rpc.sock ipc:///run/user/7/vfiod/events.sock "
			"/s/vfiod"},
		{NULL, NULL, "/home/u", NULL,
			"ipc:///home/u/.cache/vfiod/rpc.sock "
			"ipc:///home/u/.cache/vfiod/events.sock "
			"/home/u/.local/state/vfiod"},
		{"", "", "/home/u", NULL,
			"ipc:///home/u/.cache/vfiod/rpc.sock "
			"ipc:///home/u/.cache/vfiod/events.sock "
			"/home/u/.local/state/vfiod"},
		{"run", "state", "/home/u", NULL,
			"ipc:///home/u/.cache/vfiod/rpc.sock "
			"ipc:///home/u/.cache/vfiod/events.sock "
			"/home/u/.local/state/vfiod"},
		{"/r", NULL, NULL, all,
			"ipc:///r/vfiod/rpc.sock ipc:///r/vfiod/events.sock /var/tmp/x"},
		{NULL, NULL, NULL, NULL,
			"vfiod: there is no place of yours for what --state names: neither XDG_STATE_HOME nor HOME"},
		{NULL, NULL, "home/u", NULL, "vfiod: there is no place of yours for what --state"},
		{NULL, NULL, "", NULL, "vfiod: there is no place of yours for what --state"},
		{NULL, NULL, NULL, all,
			"vfiod: there is no place of yours for what --rpc names: neither XDG_RUNTIME_DIR nor HOME"},
		{NULL, "/s", NULL, other,
			"vfiod: there is no place of yours for what --events names"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char output[OUTPUT_SIZE];

		run_apart(try_options, &rows[i], output);
		if (strncmp(output, rows[i].expected, strlen(rows[i].expected)) != 0)
			fail_msg("\"%s\" is not \"%s\"", output, rows[i].expected);
	}
}

static void try_owner(const struct row *row)
{
	if (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) < 0)
		_exit(99);
	if (owner_check(row->home) == 0)
		dprintf(STDERR_FILENO, "good");
	_exit(0);
}

static void check_owner(const char *path, const char *expected)
{
	const struct row row = {.home = path};
	char output[OUTPUT_SIZE];

	run_apart(try_owner, &row, output);
	if (!strstr(output, expected))
		fail_msg("\"%s\" does not say \"%s\"", output, expected);
}

static void a_strangers_folder_is_refused(void **state)
{
	char base[] = "/tmp/vfiod-options.XXXXXX", path[64];

	(void)state;
	assert_non_null(mkdtemp(base));
	assert_int_equal(chmod(base, 0755), 0);
	snprintf(path, sizeof(path), "%s/state", base);
	check_owner(path, "cannot open folder");
	assert_int_equal(mkdir(path, 0755), 0);
	check_owner(path, "good"); /* root's, or ours */
	if (geteuid() == 0) {
		assert_int_equal(chown(path, NOBODY, NOBODY), 0);
		check_owner(path, "good");
		assert_int_equal(chown(path, STRANGER, STRANGER), 0);
		check_owner(path, "belongs to another user (uid 12345)");
		assert_int_equal(chmod(path, 0700), 0); /* one that we cannot even read */
		check_owner(path, "belongs to another user (uid 12345)");
	}
	rmdir(path);
	rmdir(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_in_a_place_of_the_users),
		cmocka_unit_test(a_strangers_folder_is_refused),
	};

	return cmocka_run_group_tests_name("vfiod/options", tests, NULL, NULL);
}
