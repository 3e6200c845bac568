/* SPDX-License-Identifier: MIT */
/* The tool and the daemon together, on a static host: what it can refuse and tell, not change. */
#include "tests/support/tree.h"
#include "tests/vfioctl/tool.h"

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

static const char *vfiod, *vfioctl;
static struct tree *tree;
static char rpc[128], events[128];
static pid_t daemon_pid;

/* A socket that service managers listen on for a daemon's word that it is ready. */
static int listen_ready(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", tree_state(tree));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
	return fd;
}

static bool wait_ready(int fd)
{
	const struct timeval patience = {.tv_sec = 30};
	char word[256] = "";

	ssize_t n = 1;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	while (n > 0 && !strstr(word, "READY=1")) {
		n = recv(fd, word, sizeof(word) - 1, 0);
		word[n > 0 ? n : 0] = '\0';
	}
	close(fd);
	unsetenv("NOTIFY_SOCKET");
	return n > 0;
}

static int start(void **state)
{
	const char *arguments[] = {vfiod, "--root", NULL, "--state", NULL, "--rpc", rpc, "--events",
		events, "--http", "127.0.0.1:0", "--user", "root", NULL};
	int ready;

	(void)state;
	tree = tree_new_standard();
	arguments[2] = tree_root(tree);
	arguments[4] = tree_state(tree);
	snprintf(rpc, sizeof(rpc), "ipc://%s/rpc", tree_state(tree));
	snprintf(events, sizeof(events), "ipc://%s/events", tree_state(tree));
	if (geteuid() != 0) /* then the daemon stays who it is */
		arguments[11] = NULL;
	ready = listen_ready();
	/* posix_spawn takes writable strings, and writes to none. */
	assert_int_equal(
		posix_spawn(&daemon_pid, vfiod, NULL, NULL, (char **)(uintptr_t)arguments, environ),
		0);
	if (wait_ready(ready))
		return 0;
	kill(daemon_pid, SIGKILL);
	return -1;
}

static int end(void **state)
{
	int status;

	(void)state;
	kill(daemon_pid, SIGTERM);
	assert_int_equal(waitpid(daemon_pid, &status, 0), daemon_pid);
	tree_free(tree);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/* One run, with what is to be found in its output. */
static void expect(const char *const *arguments, int exit_code, const char *out, const char *err)
{
	struct tool_run run = tool_run(vfioctl, rpc, arguments);

	if (run.exit_code != exit_code || !strstr(run.out, out) || !strstr(run.err, err))
		fail_msg("exit code %d for %d\n%s%s", run.exit_code, exit_code, run.out, run.err);
	tool_run_clear(&run);
}

#define EXPECT(exit_code, out, err, ...)                                                           \
	expect((const char *const[]){__VA_ARGS__, NULL}, exit_code, out, err)

static void test_reads(void **state)
{
	(void)state;
	EXPECT(0, "serving\n", "", "health");
	EXPECT(0, "0000:01:00.0  10de:2204  030000  nvidia ", "", "list", "--id", "10de:*");
	EXPECT(0, "0000:04:00.0\n0000:06:00.0\n0000:08:00.0\n10000:e1:00.0\n", "", "list", "-q",
		"--class", "0108");
	EXPECT(0, "\niommu_group      1\n", "", "info", "01:00.0");
	EXPECT(0, "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n", "", "groups", "-q");
	EXPECT(0, "/dev/vfio/9\n", "", "paths", "-q", "06:00.0");
	EXPECT(0, "This host is ready for passthrough.\n", "", "doctor");
}

static void test_refusals(void **state)
{
	(void)state;
	EXPECT(1, "  0000:00:01.0: IS_BRIDGE: ", "", "validate", "01:00.0", "00:01.0");
	EXPECT(1, "", "  0000:04:00.0: DISK_IN_USE", "bind", "04:00.0");
	EXPECT(1, "", "PCI device not found: 0000:99:00.0", "info", "99:00.0");
	EXPECT(1, "", "vfioctl list: ", "list", "--class", "zz");
}

static void test_dry_run(void **state)
{
	char *before = tree_snapshot(tree), *after;

	(void)state;
	EXPECT(0, "0000:01:00.1  set_override  vfio-pci\n", "", "bind", "--whole-group",
		"--dry-run", "01:00.0");
	after = tree_snapshot(tree);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_dry_run),
	};

	if (argc != 3) {
		fprintf(stderr, "usage: test_daemon VFIOD VFIOCTL\n");
		return 2;
	}
	vfiod = argv[1];
	vfioctl = argv[2];
	return cmocka_run_group_tests_name("vfioctl/daemon", tests, start, end);
}
