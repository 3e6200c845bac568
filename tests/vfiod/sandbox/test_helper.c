/* SPDX-License-Identifier: MIT */
/* What is left to the process that writes to the kernel. */
#include "tests/vfiod/sandbox/confined.h"

#include "core/base/util.h"
#include "tools/vfiod/sandbox/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static struct sandbox on_simulated = {.mode = SANDBOX_ENFORCE, .is_simulated = true};
static struct sandbox on_real = {.mode = SANDBOX_ENFORCE};
static struct sandbox killing = {.mode = SANDBOX_KILL, .is_simulated = true};
static struct sandbox off = {.mode = SANDBOX_OFF, .is_simulated = true};

#define BIT(capability) (UINT64_C(1) << (capability))

static const uint64_t kept =
	BIT(CAP_CHOWN) | BIT(CAP_FOWNER) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_SYS_PTRACE);

/* A line of /proc/self/status, as a number; UINT64_MAX when there is none. */
static uint64_t status_of(const char *name)
{
	char line[256];
	FILE *file = fopen("/proc/self/status", "r");
	uint64_t value = UINT64_MAX;
	size_t n = strlen(name);

	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, name, n) == 0 && line[n] == ':')
			sscanf(line + n + 1, "%" SCNx64, &value);
	}
	if (file)
		fclose(file);
	return value;
}

static int compare_status(void *arg)
{
	const uint64_t *expected = arg;
	struct rlimit core;

	if (status_of("CapEff") & ~*expected || status_of("CapPrm") & ~*expected)
		return 1;
	if (geteuid() == 0 &&
		(status_of("CapEff") != *expected || status_of("CapBnd") != *expected))
		return 2;
	if (status_of("CapInh") || status_of("CapAmb"))
		return 3;
	if (status_of("NoNewPrivs") != 1 || prctl(PR_GET_DUMPABLE) != 0)
		return 4;
	if (getrlimit(RLIMIT_CORE, &core) < 0 || core.rlim_max != 0)
		return 5;
	return 0;
}

static int is_filtered(void *arg)
{
	(void)arg;
	return (int)status_of("Seccomp");
}

static void test_capabilities_are_those_of_the_list(void **state)
{
	uint64_t expected = kept, with_modules = kept | BIT(CAP_SYS_MODULE);

	(void)state;
	assert_int_equal(
		run_confined(sandbox_helper, &on_simulated, compare_status, &expected).result, 0);
	assert_int_equal(run_confined(sandbox_helper, &off, compare_status, &expected).result, 0);
	assert_int_equal(
		run_confined(sandbox_helper, &on_real, compare_status, &with_modules).result, 0);
	assert_int_equal(run_confined(sandbox_helper, &on_real, is_filtered, NULL).result, 2);
	assert_int_equal(run_confined(sandbox_helper, &off, is_filtered, NULL).result, 0);
}

static int load_module(void *arg)
{
	(void)arg;
	return syscall(SYS_finit_module, -1, "", 0) < 0 ? errno : 0;
}

static void test_modules_are_loaded_on_a_real_host_alone(void **state)
{
	(void)state;
	assert_int_equal(
		run_confined(sandbox_helper, &on_simulated, load_module, NULL).result, KILLED);
	struct outcome o = run_confined(sandbox_helper, &on_real, load_module, NULL);
	/* It is the kernel who refuses, by whichever errno, and not the filter. */
	assert_true(o.result > 0 && o.result < 200);
	assert_string_equal(o.said, "");
}

/* The child has what its parent has: whatever it does is denied too. */
static int deny_in_child(void *call)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(syscall(*(const long *)call, -1L, -1L, -1L, -1L) < 0 ? errno : 0);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 255;
	return WIFSIGNALED(status) ? 200 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void test_children_inherit_it(void **state)
{
	long exec = SYS_execve, module = SYS_delete_module, listen_call = SYS_listen;

	(void)state;
	assert_int_equal(
		run_confined(sandbox_helper, &on_real, deny_in_child, &exec).result, 200 + SIGSYS);
	assert_int_equal(run_confined(sandbox_helper, &on_real, deny_in_child, &module).result,
		200 + SIGSYS);
	struct outcome o = run_confined(sandbox_helper, &on_real, deny_in_child, &listen_call);
	assert_int_equal(o.result, EPERM);
	assert_int_equal(count_said(&o, "system call listen ("), 1);
	assert_int_equal(run_confined(sandbox_helper, &killing, deny_in_child, &listen_call).result,
		200 + SIGSYS);
}

#ifndef VFIOD_SANITIZED
static int end_child(void *arg)
{
	int status;
	pid_t pid = fork();

	(void)arg;
	if (pid == 0) {
		for (;;)
			poll(NULL, 0, -1);
	}
	return kill(pid, SIGKILL) < 0 || waitpid(pid, &status, 0) != pid;
}

static int signal_group(void *arg)
{
	(void)arg;
	return kill(-INT32_MAX, SIGKILL) < 0 ? errno : 0; /* one that there is not */
}

static int signal_otherwise(void *arg)
{
	(void)arg;
	return kill(getppid(), SIGCONT) < 0 ? errno : 0;
}

static void test_it_ends_children_alone(void **state)
{
	(void)state;
	assert_int_equal(run_confined(sandbox_helper, &on_real, end_child, NULL).result, 0);
	assert_int_equal(run_confined(sandbox_helper, &on_real, signal_group, NULL).result, EPERM);
	assert_int_equal(
		run_confined(sandbox_helper, &on_real, signal_otherwise, NULL).result, EPERM);
}
#endif

static int make_internet_socket(void *arg)
{
	(void)arg;
	return socket(AF_INET, SOCK_STREAM, 0) < 0 ? errno : 0;
}

static void test_it_reaches_no_network(void **state)
{
	(void)state;
	assert_int_equal(
		run_confined(sandbox_helper, &on_real, make_internet_socket, NULL).result, EPERM);
}

/* Somebody's process, to be looked into. */
static pid_t start_stranger(void)
{
	int ends[2];
	char byte;

	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
			_exit(1);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_DUMPABLE, 1); /* as a program of that user's: its /proc is its own */
		close(ends[0]);
		close(ends[1]);
		for (;;)
			pause();
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 0); /* it is who it is */
	close(ends[0]);
	return pid;
}

struct ground {
	char file[32];
	pid_t stranger;
};

static const int capabilities[] = {CAP_CHOWN, CAP_FOWNER, CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE};

static int keep_all_but(void *without)
{
	int kept_ones[ARRAY_SIZE(capabilities)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++) {
		if (capabilities[i] != *(const int *)without)
			kept_ones[n++] = capabilities[i];
	}
	return privileges_keep(kept_ones, n);
}

#define LACKS(capability) (100 + (capability))

/* What each is kept for: a node's owner, its mode then, and who has what open and mapped. */
static int use_each(void *arg)
{
	const struct ground *ground = arg;
	char target[64], path[64];

	if (chown(ground->file, 1234, 1234) < 0)
		return LACKS(CAP_CHOWN);
	if (chmod(ground->file, 0640) < 0)
		return LACKS(CAP_FOWNER);
	snprintf(path, sizeof(path), "/proc/%d/fd", ground->stranger);
	CLEANUP(fd_cleanup) int folder = open(path, O_RDONLY | O_DIRECTORY);
	if (folder < 0)
		return LACKS(CAP_DAC_READ_SEARCH);
	return readlinkat(folder, "2", target, sizeof(target)) < 0 ? LACKS(CAP_SYS_PTRACE) : 0;
}

static void test_each_capability_is_needed(void **state)
{
	struct ground ground = {.file = "/tmp/sandbox-helper.XXXXXX"};
	int none = -1;

	(void)state;
	if (geteuid() != 0)
		skip();
	close(mkstemp(ground.file));
	ground.stranger = start_stranger();
	int all = run_confined(keep_all_but, &none, use_each, &ground).result;
	for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++) {
		int without = capabilities[i];

		assert_int_equal(chown(ground.file, 0, 0), 0);
		struct outcome o = run_confined(keep_all_but, &without, use_each, &ground);
		if (o.result != LACKS(without))
			fail_msg("without capability %d: %d", without, o.result);
	}
	kill(ground.stranger, SIGKILL);
	waitpid(ground.stranger, NULL, 0);
	unlink(ground.file);
	assert_int_equal(all, 0);
}

/* What its commands are made of. */
static int work_as_ever(void *arg)
{
	const struct ground *ground = arg;
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct ifaddrs *addresses;
	char target[64], path[64];
	CLEANUP(fd_cleanup) int fd = open(ground->file, O_RDWR | O_CREAT, 0600);

	if (fd < 0 || fcntl(fd, F_OFD_SETLK, &lock) < 0 || write(fd, "x", 1) != 1)
		return 1;
	snprintf(path, sizeof(path), "/proc/%d/fd/2", ground->stranger);
	if (geteuid() == 0 && readlink(path, target, sizeof(target)) < 0)
		return 2;
	snprintf(path, sizeof(path), "/proc/%d/maps", ground->stranger);
	CLEANUP(fd_cleanup) int maps = open(path, O_RDONLY);
	if (geteuid() == 0 && (maps < 0 || read(maps, target, sizeof(target)) <= 0))
		return 3;
	if (getifaddrs(&addresses) < 0)
		return 4;
	freeifaddrs(addresses);
	return 0;
}

static void test_what_it_does_is_allowed(void **state)
{
	struct ground ground = {.file = "/tmp/sandbox-helper.XXXXXX"};

	(void)state;
	close(mkstemp(ground.file));
	ground.stranger = start_stranger();
	struct outcome o = run_confined(sandbox_helper, &killing, work_as_ever, &ground);
	kill(ground.stranger, SIGKILL);
	waitpid(ground.stranger, NULL, 0);
	unlink(ground.file);
	assert_int_equal(o.result, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_capabilities_are_those_of_the_list),
		cmocka_unit_test(test_modules_are_loaded_on_a_real_host_alone),
		cmocka_unit_test(test_children_inherit_it),
		cmocka_unit_test(test_it_reaches_no_network),
#ifndef VFIOD_SANITIZED
		cmocka_unit_test(test_it_ends_children_alone),
#endif
		cmocka_unit_test(test_each_capability_is_needed),
		cmocka_unit_test(test_what_it_does_is_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
