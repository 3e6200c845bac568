/* SPDX-License-Identifier: MIT */
/*
 * The filter of system calls.
 *
 * Calls are looked up by name, so that one which this architecture or an old libseccomp does not
 * know is no error: what cannot be named cannot be allowed. Arguments are compared in 32 bits where
 * the kernel takes an int, for the upper half of the register may then be anything.
 */
#include "tools/vfiod/sandbox/calls.h"

#include "core/base/util.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define INT UINT32_MAX

/* A call that is allowed when all of its conditions hold; the first with mask 0 ends them. */
struct narrow {
	const char *name;
	struct {
		unsigned argument;
		scmp_datum_t mask, value;
	} when[2];
};

/* Both processes: reading files, memory, signals of one's own, clocks. */
static const char *const COMMON[] = {"read", "readv", "pread64", "write", "writev", "open",
	"openat", "close", "close_range", "stat", "lstat", "fstat", "newfstatat", "statx", "statfs",
	"fstatfs", "access", "faccessat", "faccessat2", "lseek", "getdents64", "readlink",
	"readlinkat", "getcwd", "dup", "dup2", "dup3", "pipe2", "brk", "munmap", "mremap",
	"madvise", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait",
	"sigaltstack", "restart_syscall", "exit", "exit_group", "futex", "set_robust_list",
	"set_tid_address", "rseq", "gettid", "getpid", "getppid", "getuid", "geteuid", "getgid",
	"getegid", "getresuid", "getresgid", "getgroups", "uname", "sysinfo", "getrusage",
	"getrlimit", "clock_gettime", "clock_getres", "gettimeofday", "time", "nanosleep",
	"clock_nanosleep", "getrandom", "poll", "ppoll", "socketpair", "sendto", "sendmsg",
	"recvfrom", "recvmsg", "shutdown", "getsockopt", "setsockopt", "getsockname", "bind",
	"connect", "wait4", "waitid", "sched_yield", "sched_getaffinity", "chmod", "fchmod",
	"fchmodat", "chown", "fchown", "lchown", "fchownat", "umask"};

/* The daemon: threads, the faces' sockets, SQLite's files, inotify, and what sd-event of
 * nss-systemd and the caches of sssd and nscd take. */
static const char *const MAIN[] = {"accept", "accept4", "listen", "getpeername", "sendmmsg",
	"recvmmsg", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait",
	"epoll_pwait2", "select", "pselect6", "eventfd2", "signalfd4", "timerfd_create",
	"timerfd_settime", "timerfd_gettime", "inotify_init1", "inotify_add_watch",
	"inotify_rm_watch", "pwrite64", "ftruncate", "fsync", "fdatasync", "flock", "fallocate",
	"unlink", "unlinkat", "rename", "renameat", "renameat2", "mkdir", "mkdirat", "rmdir",
	"membarrier", "msync", "utimensat"};

/* The privileged helper's records, beside its locks. */
static const char *const HELPER[] = {"fsync", "fdatasync", "ftruncate", "pwrite64", "rename",
	"renameat", "renameat2", "unlink", "unlinkat"};

/* Who sees one of these made from a taken-over process has seen enough. */
static const char *const DEADLY[] = {"execve", "execveat", "ptrace", "process_vm_readv",
	"process_vm_writev", "process_madvise", "pidfd_getfd", "kexec_load", "kexec_file_load",
	"init_module", "finit_module", "delete_module", "keyctl", "add_key", "request_key",
	"userfaultfd", "perf_event_open", "bpf", "unshare", "setns", "chroot", "pivot_root",
	"mount", "umount", "umount2", "mount_setattr", "move_mount", "open_tree", "fsopen",
	"fsconfig", "fsmount", "fspick", "swapon", "swapoff", "reboot", "open_by_handle_at", "iopl",
	"ioperm", "io_uring_setup", "io_uring_enter", "io_uring_register", "mknod", "mknodat",
	"acct", "quotactl", "quotactl_fd", "syslog", "settimeofday", "clock_settime",
	"clock_adjtime", "adjtimex", "vhangup", "personality", "seccomp", "modify_ldt"};

static const char *const LOADER[] = {"init_module", "finit_module"};

#ifdef VFIOD_SANITIZED
/* What the sanitizers' runtimes do beside. No program that is shipped has this. */
static const char *const SANITIZED[] = {"mmap", "mprotect", "clone", "prctl", "ptrace",
	"process_vm_readv", "personality", "kill", "tgkill", "sched_setaffinity", "prlimit64",
	"setrlimit", "mincore", "fcntl", "ioctl", "pipe", "getdents"};
#endif

/* No memory may become code: what is executed was mapped before. */
static const struct narrow NARROW_COMMON[] = {
	{"mmap", {{2, PROT_EXEC, 0}}},
	{"mprotect", {{2, PROT_EXEC, 0}}},
	{"prlimit64", {{2, UINT64_MAX, 0}}}, /* to ask, not to set */
	{"prctl", {{0, INT, PR_SET_NAME}}},
	{"prctl", {{0, INT, PR_GET_NAME}}},
	{"prctl", {{0, INT, PR_CAPBSET_READ}}},
	{"prctl", {{0, INT, PR_GET_DUMPABLE}}},
	{"ioctl", {{1, INT, TCGETS}}}, /* stdio asks whether it is a terminal */
	{"ioctl", {{1, INT, FIONREAD}}},
	{"ioctl", {{1, INT, SIOCGIFNAME}}},
	{"ioctl", {{1, INT, SIOCGIFINDEX}}},
	{"fcntl", {{1, INT, F_DUPFD}}},
	{"fcntl", {{1, INT, F_DUPFD_CLOEXEC}}},
	{"fcntl", {{1, INT, F_GETFD}}},
	{"fcntl", {{1, INT, F_SETFD}}},
	{"fcntl", {{1, INT, F_GETFL}}},
	{"fcntl", {{1, INT, F_SETFL}}},
	{"fcntl", {{1, INT, F_GETLK}}},
	{"fcntl", {{1, INT, F_SETLK}}},
	{"fcntl", {{1, INT, F_SETLKW}}},
	{"fcntl", {{1, INT, F_OFD_GETLK}}},
	{"fcntl", {{1, INT, F_OFD_SETLK}}},
	{"fcntl", {{1, INT, F_OFD_SETLKW}}},
	{"socket", {{0, INT, AF_UNIX}}},
	{"socket", {{0, INT, AF_NETLINK}, {2, INT, NETLINK_ROUTE}}},
};

enum {
	NAMESPACES = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
		     CLONE_NEWPID | CLONE_NEWNET
};

static const struct narrow NARROW_MAIN[] = {
	/* Threads, no processes. */
	{"clone", {{0, CLONE_THREAD | NAMESPACES, CLONE_THREAD}}},
	{"ioctl", {{1, INT, FIONBIO}}},
	{"socket", {{0, INT, AF_INET}}},
	{"socket", {{0, INT, AF_INET6}}},
	{"socket", {{0, INT, AF_NETLINK}, {2, INT, NETLINK_SOCK_DIAG}}},
};

static const struct narrow NARROW_HAND[] = {
	{"clone", {{0, CLONE_THREAD | NAMESPACES, 0}}},
	/* A child that nobody waits for any more; never a group of processes. */
	{"kill", {{0, UINT64_C(1) << 31, 0}, {1, INT, SIGKILL}}},
};

/* A filter being built. The first error stays, and makes the rest do nothing. */
struct build {
	scmp_filter_ctx filter;
	int error;
};

static void build_clear(struct build *b)
{
	seccomp_release(b->filter);
}

static void calls_add(struct build *b, uint32_t action, const char *name, unsigned n,
	const struct scmp_arg_cmp *when)
{
	int call = b->error ? -1 : seccomp_syscall_resolve_name(name);

	if (call >= 0)
		b->error = seccomp_rule_add_array(b->filter, action, call, n, when);
}

static void add_all(struct build *b, uint32_t action, const char *const *calls, size_t n)
{
	for (size_t i = 0; i < n; i++)
		calls_add(b, action, calls[i], 0, NULL);
}

#define ALLOW_ALL(b, calls) add_all(b, SCMP_ACT_ALLOW, calls, ARRAY_SIZE(calls))

static void allow_narrow(struct build *b, const struct narrow *calls, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct scmp_arg_cmp when[ARRAY_SIZE(calls->when)];
		unsigned conditions = 0;

		for (; conditions < ARRAY_SIZE(when) && calls[i].when[conditions].mask;
			conditions++)
			when[conditions] = SCMP_CMP64(calls[i].when[conditions].argument,
				SCMP_CMP_MASKED_EQ, calls[i].when[conditions].mask,
				calls[i].when[conditions].value);
		calls_add(b, SCMP_ACT_ALLOW, calls[i].name, conditions, when);
	}
}

static bool is_listed(const char *const *calls, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(calls[i], name) == 0)
			return true;
	}
	return false;
}

/* What some process may do after all is never deadly for it. */
static bool is_excepted(enum sandbox_process process, const char *name)
{
#ifdef VFIOD_SANITIZED
	if (is_listed(SANITIZED, ARRAY_SIZE(SANITIZED), name))
		return true;
#endif
	return process == SANDBOX_HAND_LOADER && is_listed(LOADER, ARRAY_SIZE(LOADER), name);
}

static void kill_deadly(struct build *b, enum sandbox_process process)
{
	for (size_t i = 0; i < ARRAY_SIZE(DEADLY); i++) {
		if (!is_excepted(process, DEADLY[i]))
			calls_add(b, SCMP_ACT_KILL_PROCESS, DEADLY[i], 0, NULL);
	}
}

static void calls_allow(struct build *b, enum sandbox_process process)
{
#ifdef VFIOD_SANITIZED
	ALLOW_ALL(b, SANITIZED); /* before the narrow ones, which then add nothing */
#endif
	ALLOW_ALL(b, COMMON);
	allow_narrow(b, NARROW_COMMON, ARRAY_SIZE(NARROW_COMMON));
	if (process == SANDBOX_MAIN) {
		struct scmp_arg_cmp own = {
			.arg = 0, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)getpid()};

		ALLOW_ALL(b, MAIN);
		allow_narrow(b, NARROW_MAIN, ARRAY_SIZE(NARROW_MAIN));
		calls_add(b, SCMP_ACT_ALLOW, "tgkill", 1, &own); /* abort() */
		return;
	}
	ALLOW_ALL(b, HELPER);
	allow_narrow(b, NARROW_HAND, ARRAY_SIZE(NARROW_HAND));
	calls_add(b, SCMP_ACT_ALLOW, "tgkill", 0, NULL); /* whose children have pids of their own */
	if (process == SANDBOX_HAND_LOADER)
		ALLOW_ALL(b, LOADER);
}

static int set_attributes(scmp_filter_ctx filter)
{
	int error = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	if (!error)
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!error)
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree */
	if (!error)
		error = seccomp_attr_set(
			filter, SCMP_FLTATR_API_SYSRAWRC, 1); /* the kernel's errno */
	return error;
}

int sandbox_calls_load(enum sandbox_process process, enum sandbox_mode mode)
{
	uint32_t denied = mode == SANDBOX_KILL ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_TRAP;
	CLEANUP(build_clear) struct build b = {.filter = seccomp_init(denied)};

	if (!b.filter)
		return -ENOSYS;
	b.error = set_attributes(b.filter);
	calls_allow(&b, process);
	/* Its flags are in memory, where a filter cannot look; libc then takes clone. */
	calls_add(&b, SCMP_ACT_ERRNO(ENOSYS), "clone3", 0, NULL);
	if (mode != SANDBOX_KILL)
		kill_deadly(&b, process);
	if (!b.error)
		b.error = seccomp_load(b.filter);
	return b.error == -EINVAL ? -ENOSYS : b.error;
}
