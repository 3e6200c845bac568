/* SPDX-License-Identifier: MIT */
/*
 * Kills a process with SIGKILL right before its K-th system call that changes anything.
 *
 * strace can inject a signal too, but it counts by thread and by system call, so that most calls of
 * a program with threads and children are never the K-th. Here one count goes over everything that
 * the process, its threads and its children do.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char HELP[] =
	"Usage: kill_at PID VICTIM K [MS ALSO]\n"
	"\n"
	"Follows process PID and its children, says \"ready\", and sends SIGKILL right before their\n"
	"K-th system call that changes anything (never, when K is 0). VICTIM is who is killed:\n"
	"\n"
	"  self   who makes the call\n"
	"  root   PID, while the child that makes the call goes on\n"
	"  all    PID and every child\n"
	"\n"
	"Process ALSO is killed with it, and the child goes on only MS milliseconds later.\n"
	"Says which call it was, \"K NAME\", and ends. On SIGTERM it says \"none N\", after N calls.\n";

static const struct {
	long number;
	const char *name;
} CALLS[] = {
	{SYS_write, "write"},
	{SYS_pwrite64, "pwrite64"},
	{SYS_writev, "writev"},
	{SYS_pwritev, "pwritev"},
	{SYS_sendto, "sendto"},
	{SYS_sendmsg, "sendmsg"},
	{SYS_fsync, "fsync"},
	{SYS_fdatasync, "fdatasync"},
	{SYS_truncate, "truncate"},
	{SYS_ftruncate, "ftruncate"},
	{SYS_fallocate, "fallocate"},
	{SYS_unlinkat, "unlinkat"},
	{SYS_renameat2, "renameat2"},
	{SYS_mkdirat, "mkdirat"},
	{SYS_linkat, "linkat"},
	{SYS_symlinkat, "symlinkat"},
	{SYS_mknodat, "mknodat"},
	{SYS_openat, "openat"},
	{SYS_fchmod, "fchmod"},
	{SYS_fchmodat, "fchmodat"},
	{SYS_fchown, "fchown"},
	{SYS_fchownat, "fchownat"},
	{SYS_clone, "clone"},
	{SYS_clone3, "clone3"},
#ifdef SYS_unlink /* not where system calls are young */
	{SYS_unlink, "unlink"},
	{SYS_rename, "rename"},
	{SYS_renameat, "renameat"},
	{SYS_mkdir, "mkdir"},
	{SYS_rmdir, "rmdir"},
	{SYS_chmod, "chmod"},
	{SYS_chown, "chown"},
	{SYS_lchown, "lchown"},
	{SYS_fork, "fork"},
	{SYS_vfork, "vfork"},
#endif
};

static const int OPTIONS =
	PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK;

enum { MAX_TASKS = 4096 };

struct tracer {
	pid_t root, also;
	const char *victim;
	unsigned long at, seen;
	long stall_ms;
	pid_t tasks[MAX_TASKS];
	size_t n_tasks;
};

static volatile sig_atomic_t must_end;

static void on_term(int number)
{
	(void)number;
	must_end = 1;
}

static bool knows(const struct tracer *t, pid_t task)
{
	for (size_t i = 0; i < t->n_tasks; i++) {
		if (t->tasks[i] == task)
			return true;
	}
	return false;
}

static void remember(struct tracer *t, pid_t task)
{
	if (!knows(t, task) && t->n_tasks < MAX_TASKS)
		t->tasks[t->n_tasks++] = task;
}

/* Seizes the threads there are and those that they make meanwhile. */
static int seize(struct tracer *t)
{
	char path[64];
	bool found = true;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)t->root);
	while (found) {
		DIR *dir = opendir(path);
		if (!dir)
			return -1;
		found = false;
		for (struct dirent *e; (e = readdir(dir));) {
			pid_t task = (pid_t)strtol(e->d_name, NULL, 10);

			if (task <= 0 || knows(t, task))
				continue;
			if (ptrace(PTRACE_SEIZE, task, NULL, OPTIONS) < 0 && errno != ESRCH &&
				errno != EPERM) /* EPERM: a new thread that is ours already */
				break;
			ptrace(PTRACE_INTERRUPT, task, NULL, NULL);
			remember(t, task);
			found = true;
		}
		closedir(dir);
	}
	return t->n_tasks > 0 ? 0 : -1;
}

/* The name of the call when it changes anything. */
static const char *changing(const struct __ptrace_syscall_info *info)
{
	for (size_t i = 0; i < sizeof(CALLS) / sizeof(CALLS[0]); i++) {
		if (CALLS[i].number != (long)info->entry.nr)
			continue;
		if (info->entry.nr == SYS_openat && !(info->entry.args[2] & (O_CREAT | O_TRUNC)))
			return NULL;
		return CALLS[i].name;
	}
	return NULL;
}

static void strike(const struct tracer *t, pid_t caller)
{
	if (strcmp(t->victim, "self") == 0) {
		kill(caller, SIGKILL);
		return;
	}
	kill(t->root, SIGKILL);
	for (size_t i = 0; strcmp(t->victim, "all") == 0 && i < t->n_tasks; i++)
		kill(t->tasks[i], SIGKILL);
	if (t->also > 1)
		kill(t->also, SIGKILL);
	if (caller != t->root)
		usleep((useconds_t)t->stall_ms * 1000);
}

/* Whether that was the call. */
static bool at_call(struct tracer *t, pid_t task)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, task, sizeof(info), &info) <= 0 ||
		info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return false;
	const char *name = changing(&info);
	if (!name || ++t->seen != t->at)
		return false;
	printf("%lu %s %d\n", t->seen, name, (int)task);
	fflush(stdout);
	strike(t, task);
	return true;
}

/* Until the call, a signal, or the end of all of them. */
static void follow(struct tracer *t)
{
	int status;

	while (!must_end) {
		pid_t task = waitpid(-1, &status, __WALL);
		if (task < 0 && errno == EINTR)
			continue;
		if (task < 0)
			break;
		if (!WIFSTOPPED(status))
			continue;
		remember(t, task);
		int signal_number = WSTOPSIG(status);
		if (signal_number == (SIGTRAP | 0x80)) {
			signal_number = 0;
			if (at_call(t, task))
				return;
		} else if (status >> 16) {
			signal_number = 0;
		}
		ptrace(PTRACE_SYSCALL, task, NULL, signal_number);
	}
	printf("none %lu\n", t->seen);
}

int main(int argc, char **argv)
{
	static struct tracer t;
	/* No restart: waitpid is to return. */
	const struct sigaction action = {.sa_handler = on_term};

	if (argc < 4 || argc > 6 || argc == 5) {
		fputs(HELP, argc == 2 && strcmp(argv[1], "--help") == 0 ? stdout : stderr);
		return argc == 2 && strcmp(argv[1], "--help") == 0 ? EXIT_SUCCESS : 2;
	}
	t.root = (pid_t)strtol(argv[1], NULL, 10);
	t.victim = argv[2];
	t.at = strtoul(argv[3], NULL, 10);
	if (argc == 6) {
		t.stall_ms = strtol(argv[4], NULL, 10);
		t.also = (pid_t)strtol(argv[5], NULL, 10);
	}
	sigaction(SIGTERM, &action, NULL);
	if (t.root <= 1 || seize(&t) < 0) {
		fprintf(stderr, "kill_at: cannot follow process %s: %s\n", argv[1],
			strerror(errno));
		return EXIT_FAILURE;
	}
	puts("ready");
	fflush(stdout);
	follow(&t);
	return EXIT_SUCCESS;
}
