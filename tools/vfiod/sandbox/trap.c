/* SPDX-License-Identifier: MIT */
/*
 * What becomes of a system call that is not allowed.
 *
 * The filter answers it with SIGSYS. The handler says which call it was, once, and has it return
 * EPERM, as if the kernel had refused it. An errno from the filter itself would be simpler, and
 * nobody would learn why the daemon does not work.
 */
#include "tools/vfiod/sandbox/trap.h"

#include "core/base/util.h"

#include <errno.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

enum { CALLS = 512, NAME_SIZE = 28 };

/* Made beforehand: a signal handler cannot ask libseccomp, which allocates. */
static char names[CALLS][NAME_SIZE];
static atomic_bool is_said[CALLS];

static void set_result(ucontext_t *context, long result)
{
#if defined(__x86_64__)
	context->uc_mcontext.gregs[REG_RAX] = result;
#elif defined(__aarch64__)
	context->uc_mcontext.regs[0] = (unsigned long long)result;
#else
	_Static_assert(false, "tell here where this architecture has the result of a call");
#endif
}

static size_t trap_append(char *line, size_t length, const char *text)
{
	size_t n = strlen(text);

	/* NOLINTNEXTLINE(bugprone-not-null-terminated-result): it is to be written */
	memcpy(line + length, text, n);
	return length + n;
}

/* By write alone: stdio may be in the midst of something. */
static void trap_say(unsigned call)
{
	char line[96 + NAME_SIZE];
	size_t n = trap_append(line, 0, "vfiod: denied by the sandbox: system call ");

	n = trap_append(
		line, n, call < CALLS && names[call][0] ? names[call] : "of unknown number");
	n = trap_append(line, n, " (said once)\n");
	ssize_t written = write(STDERR_FILENO, line, n);
	(void)written; /* there is nobody else to tell */
}

static void on_denied(int signal, siginfo_t *info, void *context)
{
	int saved = errno;
	unsigned call = (unsigned)info->si_syscall;

	(void)signal;
	if (!atomic_exchange(&is_said[call < CALLS ? call : CALLS - 1], true))
		trap_say(call);
	errno = saved;
	set_result(context, -EPERM);
}

int sandbox_trap_install(void)
{
	struct sigaction action = {.sa_sigaction = on_denied, .sa_flags = SA_SIGINFO};
	sigset_t denied;

	for (int call = 0; call < CALLS; call++) {
		CLEANUP(free_cleanup)
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, call);

		snprintf(names[call], NAME_SIZE, "%s", name ? name : "");
	}
	if (sigaction(SIGSYS, &action, NULL) < 0)
		return -errno;
	/* One that is blocked, as whoever started us may have it, ends the process instead. */
	sigemptyset(&denied);
	sigaddset(&denied, SIGSYS);
	return sigprocmask(SIG_UNBLOCK, &denied, NULL) < 0 ? -errno : 0;
}

/* Before libc's own. Threads of ours, and nng's, block every signal, meaning those that somebody
 * sends; a SIGSYS that is blocked would end the whole daemon. libc's sigprocmask does the same
 * without coming here. */
__attribute__((visibility("default"))) int pthread_sigmask(
	int how, const sigset_t *newmask, sigset_t *oldmask)
{
	sigset_t wanted;

	if (newmask) {
		wanted = *newmask;
		if (how != SIG_UNBLOCK)
			sigdelset(&wanted, SIGSYS);
	}
	return sigprocmask(how, newmask ? &wanted : NULL, oldmask) < 0 ? errno : 0;
}
