/* SPDX-License-Identifier: MIT */
/*
 * What each of the daemon's processes may still do once it has started.
 *
 * This folder includes core/ and nothing else of the tool. sandbox.c has all parts: capabilities
 * (privileges.h), system calls (calls.h, whose refusals are told by trap.h), files (files.h).
 */
#pragma once

#include <stdbool.h>

enum sandbox_mode {
	SANDBOX_ENFORCE, /* a call that is not allowed fails with EPERM, with one line on stderr */
	SANDBOX_KILL,	 /* it ends the process: for tests, which must not overlook one */
	SANDBOX_OFF, /* neither filter nor file rules: to find out whether they are in the way */
};

/* What the rules are made of. All borrowed. */
struct sandbox {
	enum sandbox_mode mode;
	bool is_simulated; /* root is not this machine's */
	const char *root;  /* folder that the host's files are below */
	const char *state; /* folder of the database */
	const char *locks; /* folder below which the privileged helper's locks are, to be read */
	const char *sockets[2]; /* URLs, separated by commas, whose ipc:// ones lie in a folder */
};

/* The mode with that name: "enforce", "kill" or "off". False when there is none. */
bool sandbox_mode_parse(const char *name, enum sandbox_mode *ret);

/* Confines the process that parses what strangers send. To be called when root is given up and
 * before the first thread. What the kernel lacks is said on stderr, once. 0, or -1 with a sentence
 * on stderr: the process must then end. */
int sandbox_main(const struct sandbox *sandbox);

/* Confines the privileged helper; a struct helper_config.confine, whose argument is the struct
 * sandbox. The capabilities go even when the mode is SANDBOX_OFF. 0, or -1 with a sentence on
 * stderr. */
int sandbox_helper(void *sandbox);
