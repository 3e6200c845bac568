/* SPDX-License-Identifier: MIT */
/* The options of every verb, and where the daemon is looked for. */
#include "tools/vfioctl/session/settings.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* What getopt_long returns for the option of that name. */
static int option_value(const char *name)
{
	for (const struct option *option = settings_options; option->name; option++)
		if (strcmp(option->name, name) == 0)
			return option->val;
	fail_msg("there is no --%s", name);
	return -1;
}

static int take(struct settings *settings, const char *name, const char *value)
{
	struct fault fault = {""};
	int r = settings_take(settings, option_value(name), value, &fault);

	/* A refusal names its option. */
	assert_int_equal(r == -EINVAL, strstr(fault.text, name) != NULL);
	return r;
}

static void test_timeout(void **state)
{
	static const char *const bad[] = {
		"0", "-1", "x", "1x", "", " ", "1.5", "86401", "99999999999999999999"};
	struct settings settings = {.timeout_s = 7};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(take(&settings, "timeout", bad[i]), -EINVAL);
		assert_int_equal(settings.timeout_s, 7);
	}
	assert_int_equal(take(&settings, "timeout", "86400"), 0);
	assert_int_equal(settings.timeout_s, 86400);
}

static void test_colour(void **state)
{
	struct settings settings = {0};

	(void)state;
	assert_int_equal(take(&settings, "color", "never"), 0);
	assert_int_equal(settings.colour, PAINT_NEVER);
	assert_int_equal(take(&settings, "color", "always"), 0);
	assert_int_equal(settings.colour, PAINT_ALWAYS);
	assert_int_equal(take(&settings, "color", "sometimes"), -EINVAL);
	assert_int_equal(take(&settings, "color", "auto"), 0);
	assert_int_equal(settings.colour, PAINT_AUTO);
}

static void test_unknown_is_left_alone(void **state)
{
	struct settings settings = {0};
	struct fault fault;

	(void)state;
	assert_int_equal(settings_take(&settings, 256, "x", &fault), -ENOENT);
}

static void test_url(void **state)
{
	struct settings settings = {0};
	char buffer[SETTINGS_URL_SIZE];

	(void)state;
	unsetenv("VFIOD_RPC");
	unsetenv("XDG_RUNTIME_DIR");
	assert_string_equal(settings_url(&settings, buffer), "ipc:///run/vfiod/rpc.sock");
	setenv("VFIOD_RPC", "", 1);
	assert_string_equal(settings_url(&settings, buffer), "ipc:///run/vfiod/rpc.sock");
	setenv("VFIOD_RPC", "tcp://127.0.0.1:7443", 1);
	assert_string_equal(settings_url(&settings, buffer), "tcp://127.0.0.1:7443");
	settings.rpc = "ipc:///tmp/other.sock";
	assert_string_equal(settings_url(&settings, buffer), "ipc:///tmp/other.sock");
}

/* What somebody who is not root asks, with these variables; where root's own daemon is not. */
static void check_users_url(const char *runtime, const char *home, const char *expected)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct settings settings = {0};
		char buffer[SETTINGS_URL_SIZE];

		unsetenv("VFIOD_RPC");
		setenv("XDG_RUNTIME_DIR", runtime, 1);
		setenv("HOME", home, 1);
		if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
			_exit(2);
		_exit(strcmp(settings_url(&settings, buffer), expected) != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* As vfiod has it, tests/vfiod/test_options.c. */
static void test_url_of_a_user(void **state)
{
	(void)state;
	if (access("/run/vfiod/rpc.sock", F_OK) == 0)
		skip();
	check_users_url("/run/user/7", "/home/u", "ipc:///run/user/7/vfiod/rpc.sock");
	check_users_url("", "/home/u", "ipc:///home/u/.cache/vfiod/rpc.sock");
	check_users_url("run", "/home/u", "ipc:///home/u/.cache/vfiod/rpc.sock");
	check_users_url("", "home/u", "ipc:///run/vfiod/rpc.sock");
	check_users_url("", "", "ipc:///run/vfiod/rpc.sock");
}

static void test_paint(void **state)
{
	FILE *file = tmpfile();

	(void)state;
	setenv("NO_COLOR", "1", 1);
	assert_true(paint_wanted(PAINT_ALWAYS, file));
	assert_false(paint_wanted(PAINT_NEVER, file));
	assert_false(paint_wanted(PAINT_AUTO, file));
	unsetenv("NO_COLOR");
	assert_false(paint_wanted(PAINT_AUTO, file));
	fclose(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_colour),
		cmocka_unit_test(test_unknown_is_left_alone),
		cmocka_unit_test(test_url),
		cmocka_unit_test(test_url_of_a_user),
		cmocka_unit_test(test_paint),
	};

	return cmocka_run_group_tests_name("vfioctl/settings", tests, NULL, NULL);
}
