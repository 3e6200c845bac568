/* SPDX-License-Identifier: MIT */
/* The filter of system calls around the process that parses. */
#include "tests/vfiod/sandbox/confined.h"
#include "tools/vfiod/sandbox/calls.h"
#include "tools/vfiod/sandbox/trap.h"

#include "core/base/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <net/if.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static enum sandbox_mode enforce = SANDBOX_ENFORCE, kill_all = SANDBOX_KILL;

static int confine(void *mode)
{
	return sandbox_trap_install() ||
	       sandbox_calls_load(SANDBOX_MAIN, *(enum sandbox_mode *)mode);
}

/* With arguments that are wrong for each of them, so that nothing happens where it is let through.
 */
static int call(void *number)
{
	return syscall(*(const long *)number, -1L, -1L, -1L, -1L, -1L, -1L) < 0 ? errno : 0;
}

struct named {
	const char *name;
	long number;
};

#define NAMED(name)                                                                                \
	{                                                                                          \
#name, SYS_##name                                                                  \
	}

#ifndef VFIOD_SANITIZED
static const struct named UNTIL_SANITIZED[] = {
	NAMED(ptrace), NAMED(process_vm_readv), NAMED(personality)};
#endif

static const struct named DEADLY[] = {
	NAMED(execve),
	NAMED(execveat),
	NAMED(process_vm_writev),
	NAMED(kexec_load),
	NAMED(kexec_file_load),
	NAMED(init_module),
	NAMED(finit_module),
	NAMED(delete_module),
	NAMED(keyctl),
	NAMED(add_key),
	NAMED(request_key),
	NAMED(userfaultfd),
	NAMED(perf_event_open),
	NAMED(bpf),
	NAMED(unshare),
	NAMED(setns),
	NAMED(chroot),
	NAMED(pivot_root),
	NAMED(mount),
	NAMED(umount2),
	NAMED(move_mount),
	NAMED(open_tree),
	NAMED(fsopen),
	NAMED(swapon),
	NAMED(swapoff),
	NAMED(reboot),
	NAMED(open_by_handle_at),
	NAMED(io_uring_setup),
	NAMED(mknodat),
	NAMED(acct),
	NAMED(settimeofday),
	NAMED(seccomp),
#ifdef SYS_iopl
	NAMED(iopl),
	NAMED(ioperm),
#endif
};

static void is_deadly(const struct named *calls, size_t n, enum sandbox_mode *mode)
{
	for (size_t i = 0; i < n; i++) {
		struct outcome o = run_confined(confine, mode, call, (void *)&calls[i].number);

		if (o.result != KILLED)
			fail_msg("%s: %d", calls[i].name, o.result);
	}
}

static void test_deadly_calls_end_the_process(void **state)
{
	(void)state;
	is_deadly(DEADLY, ARRAY_SIZE(DEADLY), &enforce);
	is_deadly(DEADLY, ARRAY_SIZE(DEADLY), &kill_all);
#ifndef VFIOD_SANITIZED
	is_deadly(UNTIL_SANITIZED, ARRAY_SIZE(UNTIL_SANITIZED), &enforce);
	is_deadly(UNTIL_SANITIZED, ARRAY_SIZE(UNTIL_SANITIZED), &kill_all);
#endif
}

/* --- what merely fails ----------------------------------------------------------------------- */

static int error_of(long result)
{
	return result < 0 ? errno : 0;
}

static int make_packet_socket(void *arg)
{
	(void)arg;
	return error_of(socket(AF_PACKET, SOCK_RAW, 0));
}

static int make_uevent_socket(void *arg)
{
	(void)arg;
	return error_of(socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT));
}

static int become_user(void *arg)
{
	(void)arg;
	return error_of(syscall(SYS_setresuid, 1, 1, 1));
}

static int make_memory_file(void *arg)
{
	(void)arg;
	return error_of(memfd_create("x", 0));
}

static int set_trace_group(void *arg)
{
	(void)arg;
	return error_of(syscall(SYS_setpgid, 0, 0));
}

#ifndef VFIOD_SANITIZED
static int make_process(void *arg)
{
	(void)arg;
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0)
		_exit(0);
	return error_of(pid);
}

static int make_namespace(void *arg)
{
	(void)arg;
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD | CLONE_NEWUSER, NULL, NULL, NULL, NULL);
	if (pid == 0)
		_exit(0);
	return error_of(pid);
}

static int map_code(void *arg)
{
	(void)arg;
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
			       MAP_FAILED
		       ? errno
		       : 0;
}

static int turn_into_code(void *arg)
{
	void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)arg;
	return error_of(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

static int raise_limit(void *arg)
{
	struct rlimit limit = {0, 0};

	(void)arg;
	return error_of(prlimit(0, RLIMIT_STACK, &limit, NULL));
}

static int become_dumpable(void *arg)
{
	(void)arg;
	return error_of(prctl(PR_SET_DUMPABLE, 1));
}

static int type_into_terminal(void *arg)
{
	(void)arg;
	return error_of(ioctl(0, TIOCSTI, "x"));
}

static int signal_parent(void *arg)
{
	(void)arg;
	return error_of(syscall(SYS_tgkill, getppid(), getppid(), 0));
}

static int signal_any(void *arg)
{
	(void)arg;
	return error_of(kill(getppid(), 0));
}

static int have_owner_signalled(void *arg)
{
	(void)arg;
	return error_of(fcntl(0, F_SETOWN, getpid()));
}
#endif

static const struct {
	const char *call; /* as the line on stderr names it */
	int (*function)(void *arg);
} DENIED[] = {
	{"socket", make_packet_socket},
	{"socket", make_uevent_socket},
	{"setresuid", become_user},
	{"memfd_create", make_memory_file},
	{"setpgid", set_trace_group},
#ifndef VFIOD_SANITIZED
	{"clone", make_process},
	{"clone", make_namespace},
	{"mmap", map_code},
	{"mprotect", turn_into_code},
	{"prlimit64", raise_limit},
	{"prctl", become_dumpable},
	{"ioctl", type_into_terminal},
	{"tgkill", signal_parent},
	{"kill", signal_any},
	{"fcntl", have_owner_signalled},
#endif
};

static void test_denied_calls_fail_and_are_named(void **state)
{
	char line[96];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(DENIED); i++) {
		struct outcome o = run_confined(confine, &enforce, DENIED[i].function, NULL);

		if (o.result != EPERM)
			fail_msg("%s, %zu: %d", DENIED[i].call, i, o.result);
		snprintf(line, sizeof(line), "vfiod: denied by the sandbox: system call %s (",
			DENIED[i].call);
		assert_int_equal(count_said(&o, line), 1);
	}
}

static void test_denied_calls_end_the_process_in_mode_kill(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(DENIED); i++) {
		struct outcome o = run_confined(confine, &kill_all, DENIED[i].function, NULL);

		if (o.result != KILLED)
			fail_msg("%s, %zu: %d", DENIED[i].call, i, o.result);
	}
}

static int deny_often(void *arg)
{
	int failed = 0;

	(void)arg;
	for (int i = 0; i < 100; i++) {
		failed += syscall(SYS_setpgid, 0, 0) < 0 && errno == EPERM;
		failed += syscall(SYS_setsid) < 0 && errno == EPERM;
		failed += syscall(7777) < 0 && errno == EPERM;
	}
	return failed == 300;
}

static void test_each_call_is_named_once(void **state)
{
	(void)state;
	struct outcome o = run_confined(confine, &enforce, deny_often, NULL);

	assert_int_equal(o.result, 1);
	assert_int_equal(count_said(&o, "\n"), 3);
	assert_int_equal(count_said(&o, "system call setpgid (said once)\n"), 1);
	assert_int_equal(count_said(&o, "system call setsid (said once)\n"), 1);
	assert_int_equal(count_said(&o, "system call of unknown number (said once)\n"), 1);
}

/* As this daemon's threads and nng's do. */
static void *deny_with_all_blocked(void *arg)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	*(int *)arg = syscall(SYS_setsid) < 0 ? errno : 0;
	return NULL;
}

static int deny_in_thread(void *arg)
{
	pthread_t thread;
	int result = 0;

	(void)arg;
	if (pthread_create(&thread, NULL, deny_with_all_blocked, &result))
		return 99;
	pthread_join(thread, NULL);
	return result;
}

static void test_a_thread_that_blocks_all_signals_lives_on(void **state)
{
	(void)state;
	struct outcome o = run_confined(confine, &enforce, deny_in_thread, NULL);

	assert_int_equal(o.result, EPERM);
	assert_int_equal(count_said(&o, "system call setsid ("), 1);
}

/* --- what goes on as before ------------------------------------------------------------------ */

static int look_up_users(void *arg)
{
	gid_t groups[64];
	char buf[4096];
	struct passwd pw, *found;
	int n = ARRAY_SIZE(groups);

	(void)arg;
	if (getpwuid_r(0, &pw, buf, sizeof(buf), &found) != 0 || !found)
		return 1;
	if (getgrouplist("root", 0, groups, &n) < 0 || n < 1)
		return 2;
	/* Nobody's: every service of nsswitch.conf is asked. */
	return getpwuid_r(61999, &pw, buf, sizeof(buf), &found) == 0 && found ? 3 : 0;
}

static int ask_for_addresses(void *arg)
{
	struct ifaddrs *addresses;

	(void)arg;
	if (getifaddrs(&addresses) < 0)
		return errno;
	freeifaddrs(addresses);
	return if_nametoindex("lo") ? 0 : 1;
}

static int serve(void *arg)
{
	CLEANUP(fd_cleanup) int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};

	(void)arg;
	return fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0 && listen(fd, 1) == 0
		       ? 0
		       : errno;
}

#ifndef VFIOD_SANITIZED
static int abort_itself(void *arg)
{
	(void)arg;
	abort();
}
#endif

static int preloaded(void *mode)
{
	look_up_users(NULL); /* as sandbox_main has the modules loaded, which are code */
	return confine(mode);
}

static void test_what_the_daemon_does_is_allowed(void **state)
{
	(void)state;
	assert_int_equal(run_confined(preloaded, &kill_all, look_up_users, NULL).result, 0);
	assert_int_equal(run_confined(confine, &kill_all, ask_for_addresses, NULL).result, 0);
	assert_int_equal(run_confined(confine, &kill_all, serve, NULL).result, 0);
#ifndef VFIOD_SANITIZED
	assert_int_equal(
		run_confined(confine, &kill_all, abort_itself, NULL).result, -100 - SIGABRT);
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deadly_calls_end_the_process),
		cmocka_unit_test(test_denied_calls_fail_and_are_named),
		cmocka_unit_test(test_denied_calls_end_the_process_in_mode_kill),
		cmocka_unit_test(test_each_call_is_named_once),
		cmocka_unit_test(test_a_thread_that_blocks_all_signals_lives_on),
		cmocka_unit_test(test_what_the_daemon_does_is_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
