/* SPDX-License-Identifier: MIT */
/* The options that every verb has. */
#pragma once

#include "core/base/fault.h"
#include "tools/vfioctl/print/paint.h"

#include <getopt.h>
#include <stdbool.h>

/* Room for an ipc:// URL, and for more than a socket's name may have. */
#define SETTINGS_URL_SIZE 256

/* All zero: nothing was said. Strings are borrowed from argv and the environment. */
struct settings {
	const char *rpc;
	unsigned timeout_s; /* 0: each method's own */
	enum paint_when colour;
	bool json;
	bool quiet;
	const char *tls_authority;
	const char *tls_certificate;
	const char *tls_key;
};

/* The options as getopt_long takes them, ended by an entry without a name, and their letters. */
extern const struct option settings_options[];
#define SETTINGS_LETTERS "qhV"
#define SETTINGS_OPTIONS_MAX 16

/* Their description, for help. */
extern const char settings_help[];

/* Takes one option as getopt_long returned it. 0; -EINVAL with a sentence in fault; -ENOENT: it is
 * none of these. --help and --version are not for this function. */
int settings_take(struct settings *settings, int option, const char *value, struct fault *fault);

/* Where the daemon is: --rpc, $VFIOD_RPC, /run/vfiod/rpc.sock, or, where that does not exist and
 * the user is not root, what a daemon of the user's own would listen on. Borrowed, or in the
 * buffer. */
const char *settings_url(const struct settings *settings, char buffer[SETTINGS_URL_SIZE]);
