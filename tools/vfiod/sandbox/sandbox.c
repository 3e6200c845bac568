/* SPDX-License-Identifier: MIT */
/*
 * The walls around both processes.
 *
 * What it should: leave whoever takes a process over with what that process needs, and nothing
 * else. What it must not: stop the daemon on a kernel that lacks a part of this. Root is given up
 * either way; this comes on top, and what is missing is said.
 */
#include "tools/vfiod/sandbox/sandbox.h"
#include "tools/vfiod/log/log.h"
#include "tools/vfiod/sandbox/calls.h"
#include "tools/vfiod/sandbox/files.h"
#include "tools/vfiod/sandbox/privileges.h"
#include "tools/vfiod/sandbox/trap.h"

#include <errno.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

bool sandbox_mode_parse(const char *name, enum sandbox_mode *ret)
{
	static const char *const names[] = {"enforce", "kill", "off"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(name, names[i]) == 0) {
			*ret = (enum sandbox_mode)i;
			return true;
		}
	}
	return false;
}

static int sandbox_complain(const char *who, const char *what, int error)
{
	log_say(LOG_ERR, "cannot confine %s (%s): %s", who, what, strerror(error));
	return -1;
}

/* A core would hold the API key and the TLS key. Other limits were considered and left out: that on
 * processes counts by user, and so would count what else runs as nobody or as the user who starts
 * vfiod without being root; that on file sizes would end a log that stderr is redirected to. */
static int sandbox_limit(const char *who)
{
	const struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return sandbox_complain(who, "core size", errno);
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return sandbox_complain(who, "dumpable", errno);
	/* Also for who was not root: a filter may only be loaded so. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return sandbox_complain(who, "no_new_privs", errno);
	return 0;
}

/* The services of nsswitch.conf are loaded when a user is first looked up, and that is code, which
 * nobody can load later. This number is nobody's, so every one of them is asked. */
static void load_user_services(void)
{
	char buf[1024];
	struct passwd pw, *found;

	getpwuid_r(UINT32_MAX - 1, &pw, buf, sizeof(buf), &found);
}

static int sandbox_filter(const char *who, enum sandbox_process process, enum sandbox_mode mode)
{
	int error = sandbox_trap_install();

	if (!error)
		error = sandbox_calls_load(process, mode);
	if (error == -ENOSYS && mode != SANDBOX_KILL) {
		log_say(LOG_WARNING,
			"this kernel has no seccomp filters, %s may make any system call", who);
		return 0;
	}
	return error ? sandbox_complain(who, "system calls", -error) : 0;
}

static int restrict_files(const struct sandbox *s)
{
	int version = sandbox_files_restrict(s);

	if (version < 0)
		return sandbox_complain("the daemon", "files", -version);
	if (version == 0)
		log_say(LOG_WARNING,
			"this kernel has no Landlock, or it is off (lsm=): file permissions alone keep the daemon from other files");
	return 0;
}

int sandbox_main(const struct sandbox *s)
{
	if (sandbox_limit("the daemon") < 0)
		return -1;
	if (s->mode == SANDBOX_OFF)
		return 0;
	load_user_services();
	if (restrict_files(s) < 0)
		return -1;
	return sandbox_filter("the daemon", SANDBOX_MAIN, s->mode);
}

/* What the privileged helper needs beside being uid 0, to whom the files of sysfs belong and who
 * writes them without any of these. */
static const int HELPER_CAPABILITIES[] = {
	CAP_CHOWN,	     /* a VFIO node to the user that the request names */
	CAP_FOWNER,	     /* its mode, once it is that user's */
	CAP_DAC_READ_SEARCH, /* other users' /proc/PID/fd */
	CAP_SYS_PTRACE,	     /* the links in there, and /proc/PID/maps */
	CAP_SYS_MODULE,	     /* vfio-pci; the last, for a simulated host has no modules */
};

/* No Landlock here: the kernel hides from a process that has it what every other process has open,
 * and then no device would seem to be in use. */
int sandbox_helper(void *sandbox)
{
	const struct sandbox *s = sandbox;
	unsigned n = sizeof(HELPER_CAPABILITIES) / sizeof(*HELPER_CAPABILITIES);
	enum sandbox_process process = s->is_simulated ? SANDBOX_HAND : SANDBOX_HAND_LOADER;

	if (privileges_keep(HELPER_CAPABILITIES, s->is_simulated ? n - 1 : n) < 0 ||
		sandbox_limit("the privileged process") < 0)
		return -1;
	return s->mode == SANDBOX_OFF ? 0
				      : sandbox_filter("the privileged process", process, s->mode);
}
