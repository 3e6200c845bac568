/* SPDX-License-Identifier: MIT */
/* What a verb of vfioctl is. */
#pragma once

#include <stddef.h>

/* What vfioctl exits with; part of its interface. */
enum {
	EXIT_DONE = 0,
	EXIT_REFUSED = 1,     /* refused or failed; validate or doctor said no */
	EXIT_USAGE = 2,	      /* the command line makes no sense */
	EXIT_UNREACHABLE = 3, /* the daemon cannot be reached, or does not serve */
};

struct session;

/* One verb. All texts end without a newline. */
struct verb {
	const char *name;
	const char *args;    /* as the usage line shows them; "" for none */
	const char *summary; /* one line */
	const char *help;    /* what it does, and its options; lines of at most 80 columns */

	/* Parses the verb's arguments, of which argv[0] is its name for messages, and runs it.
	 * Writes to stdout and stderr. One of the codes above. */
	int (*run)(struct session *session, int argc, char **argv);
};

/* The verb of that name among verbs, which NULL ends; NULL when there is none. */
const struct verb *verb_find(const struct verb *const *verbs, const char *name);
