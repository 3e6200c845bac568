/* SPDX-License-Identifier: MIT */
/* The daemon as a service manager sees it: its words, its watchdog, its signals. */
#include "tests/support/tree.h"

#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char *vfiod;

struct service {
	struct tree *tree;
	int words; /* the socket that it tells us by */
	pid_t pid;
};

static int listen_to_words(const char *folder)
{
	const struct timeval patience = {.tv_sec = 30};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", folder);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
	setenv("WATCHDOG_USEC", "300000", 1);
	return fd;
}

/* Reads words until one begins so. */
static void wait_for_word(const struct service *s, const char *wanted)
{
	char word[256] = "";

	while (strncmp(word, wanted, strlen(wanted)) != 0) {
		ssize_t n = recv(s->words, word, sizeof(word) - 1, 0);
		if (n <= 0)
			fail_msg("it does not say %s", wanted);
		word[n] = '\0';
	}
}

static int start(void **state)
{
	struct service *s = calloc(1, sizeof(*s));
	char rpc[128], events[128];
	const char *arguments[] = {vfiod, "--http", "127.0.0.1:0", "--rpc", rpc, "--events", events,
		"--root", NULL, "--state", NULL, geteuid() == 0 ? "--user" : NULL, "root", NULL};

	assert_non_null(s);
	s->tree = tree_new_standard();
	arguments[8] = tree_root(s->tree);
	arguments[10] = tree_state(s->tree);
	snprintf(rpc, sizeof(rpc), "ipc://%s/rpc", tree_state(s->tree));
	snprintf(events, sizeof(events), "ipc://%s/events", tree_state(s->tree));
	s->words = listen_to_words(tree_state(s->tree));
	/* posix_spawn takes writable strings, and writes to none. */
	assert_int_equal(
		posix_spawn(&s->pid, vfiod, NULL, NULL, (char **)(uintptr_t)arguments, environ), 0);
	*state = s;
	wait_for_word(s, "READY=1");
	return 0;
}

static int end(void **state)
{
	struct service *s = *state;
	int status;

	kill(s->pid, SIGTERM);
	wait_for_word(s, "STOPPING=1");
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	close(s->words);
	tree_free(s->tree);
	free(s);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static void it_tells_what_is_pending(void **state)
{
	wait_for_word(*state, "STATUS=Serving");
}

static void it_feeds_the_watchdog(void **state)
{
	for (int i = 0; i < 5; i++)
		wait_for_word(*state, "WATCHDOG=1");
}

static void a_reload_ends_nothing(void **state)
{
	struct service *s = *state;

	for (int i = 0; i < 2; i++) {
		kill(s->pid, SIGHUP);
		wait_for_word(s, "RELOADING=1");
		wait_for_word(s, "READY=1");
	}
	wait_for_word(s, "WATCHDOG=1");
}

/* Its first child. */
static pid_t helper_of(pid_t pid)
{
	char path[64];
	int child = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	FILE *file = fopen(path, "r");
	if (file) {
		if (fscanf(file, "%d", &child) != 1)
			child = 0;
		fclose(file);
	}
	return child;
}

static void the_privileged_helper_ignores_a_reload(void **state)
{
	struct service *s = *state;
	pid_t helper = helper_of(s->pid);

	if (helper == 0) /* the kernel does not tell who is whose */
		skip();
	kill(helper, SIGHUP);
	/* Without it the daemon would end at once. */
	for (int i = 0; i < 5; i++)
		wait_for_word(s, "WATCHDOG=1");
	assert_int_equal(kill(helper, 0), 0);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, start, end)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		SERVED(it_tells_what_is_pending),
		SERVED(it_feeds_the_watchdog),
		SERVED(a_reload_ends_nothing),
		SERVED(the_privileged_helper_ignores_a_reload),
	};

	if (argc != 2)
		return 2;
	vfiod = argv[1];
	return cmocka_run_group_tests_name("vfiod/service", tests, NULL, NULL);
}
