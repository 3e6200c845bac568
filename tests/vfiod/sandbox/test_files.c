/* SPDX-License-Identifier: MIT */
/* Which files the process that parses may open. */
#include "tests/vfiod/sandbox/confined.h"

#include "core/base/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

static char work[] = "/tmp/sandbox.XXXXXX", host[64], state_folder[64], locks[64], sockets[96],
	    other[64];

static int confine(void *arg)
{
	const struct sandbox sandbox = {.mode = SANDBOX_KILL,
		.is_simulated = true,
		.root = host,
		.state = state_folder,
		.locks = locks,
		.sockets = {sockets, "tcp://127.0.0.1:1"}};

	(void)arg;
	return sandbox_main(&sandbox);
}

static long landlock_version(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

struct opening {
	const char *path; /* below work when relative */
	int flags;
};

static int open_one(void *arg)
{
	const struct opening *o = arg;
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", work, o->path);
	int fd = open(o->path[0] == '/' ? o->path : path, o->flags, 0600);
	return fd < 0 ? errno : 0;
}

static void opens(const char *path, int flags, int expected)
{
	struct opening o = {path, flags};
	int result = run_confined(confine, NULL, open_one, &o).result;

	if (result != expected)
		fail_msg("%s, flags %x: %d, not %d", path, (unsigned)flags, result, expected);
}

static void test_the_daemons_own_files_open(void **state)
{
	(void)state;
	opens("state/new.db", O_RDWR | O_CREAT, 0);
	opens("state/new.db", O_RDWR | O_TRUNC, 0);
	opens("state", O_RDONLY | O_DIRECTORY, 0);
	opens("locks", O_RDONLY | O_DIRECTORY, 0);
	opens("host/sys", O_RDONLY | O_DIRECTORY, 0);
	opens("host/file", O_RDONLY, 0);
	opens("/etc/passwd", O_RDONLY, 0);
	opens("/proc/self/status", O_RDONLY, 0);
	opens("/dev/null", O_RDWR, 0);
}

#ifndef VFIOD_SANITIZED
static void test_other_files_do_not(void **state)
{
	(void)state;
	opens("other", O_RDONLY, EACCES);
	opens("other", O_WRONLY, EACCES);
	opens("new", O_RDWR | O_CREAT, EACCES);
	opens("host/file", O_WRONLY, EACCES);
	opens("host/new", O_RDWR | O_CREAT, EACCES);
	opens("locks/new", O_RDWR | O_CREAT, EACCES);
	opens("run/new", O_RDWR | O_CREAT, EACCES);
	opens("/etc/vfiod-test", O_RDWR | O_CREAT, EACCES);
	opens("/proc/1/status", O_RDONLY, EACCES);
	opens("/root", O_RDONLY | O_DIRECTORY, EACCES);
	opens("/dev/zero", O_RDONLY, EACCES);
}
#endif

/* As rpc/nng/ipc.c makes a socket: beside, and then by its name. */
static int make_socket(void *folder)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char final[128];

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s/new", work, (char *)folder);
	snprintf(final, sizeof(final), "%s/%s/rpc.sock", work, (char *)folder);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		chmod(address.sun_path, 0660) < 0 || rename(address.sun_path, final) < 0 ||
		listen(fd, 1) < 0)
		return errno;
	return unlink(final) < 0 ? errno : 0;
}

static int make_folder(void *arg)
{
	char path[128];

	(void)arg;
	snprintf(path, sizeof(path), "%s/state/folder", work);
	return mkdir(path, 0700) < 0 ? errno : 0;
}

static void test_sockets_are_made_in_their_folder_alone(void **state)
{
	(void)state;
	assert_int_equal(run_confined(confine, NULL, make_socket, (void *)"run").result, 0);
	assert_int_equal(run_confined(confine, NULL, make_socket, (void *)"state").result, EACCES);
	assert_int_equal(run_confined(confine, NULL, make_folder, NULL).result, EACCES);
}

static int connect_out(void *arg)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(1),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)arg;
	return connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ? errno : 0;
}

static void test_no_tcp_connection_is_made(void **state)
{
	(void)state;
	if (landlock_version() < 4)
		skip(); /* the kernel has no rules for the network */
	assert_int_equal(run_confined(confine, NULL, connect_out, NULL).result, EACCES);
}

static int may_leave_a_core(void *arg)
{
	struct rlimit limit;

	(void)arg;
	return getrlimit(RLIMIT_CORE, &limit) < 0 || limit.rlim_cur || limit.rlim_max ||
	       prctl(PR_GET_DUMPABLE) != 0;
}

static void test_it_leaves_no_core(void **state)
{
	(void)state;
	assert_int_equal(run_confined(confine, NULL, may_leave_a_core, NULL).result, 0);
}

static int make_ground(void **state)
{
	static const char *const folders[] = {"host", "host/sys", "state", "locks", "run"};
	char path[96];

	(void)state;
	if (!mkdtemp(work))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", work, folders[i]);
		if (mkdir(path, 0700) < 0)
			return -1;
	}
	snprintf(host, sizeof(host), "%s/host", work);
	snprintf(state_folder, sizeof(state_folder), "%s/state", work);
	snprintf(locks, sizeof(locks), "%s/locks", work);
	snprintf(sockets, sizeof(sockets), "tcp://[::1]:2,ipc://%s/run/rpc.sock", work);
	snprintf(other, sizeof(other), "%s/other", work);
	snprintf(path, sizeof(path), "%s/host/file", work);
	close(open(other, O_WRONLY | O_CREAT, 0600));
	close(open(path, O_WRONLY | O_CREAT, 0600));
	return 0;
}

static int clear_ground(void **state)
{
	static const char *const names[] = {"host/file", "state/new.db", "other"},
				 *const folders[] = {
					 "host/sys", "host", "state", "locks", "run", ""};
	char path[96];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", work, names[i]);
		unlink(path);
	}
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", work, folders[i]);
		if (rmdir(path) < 0)
			return -1;
	}
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_daemons_own_files_open),
		cmocka_unit_test(test_sockets_are_made_in_their_folder_alone),
		cmocka_unit_test(test_no_tcp_connection_is_made),
		cmocka_unit_test(test_it_leaves_no_core),
#ifndef VFIOD_SANITIZED
		cmocka_unit_test(test_other_files_do_not),
#endif
	};

	if (landlock_version() < 1) {
		puts("skipped: this kernel has no Landlock");
		return 77;
	}
	return cmocka_run_group_tests(tests, make_ground, clear_ground);
}
