/* SPDX-License-Identifier: MIT */
/* The verbs of vfioctl. */
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

/* Every verb, in the order help shows them; NULL ends. */
extern const struct verb *const verbs[];

/* The verb of that name, or NULL. */
const struct verb *verb_find(const char *name);

extern const struct verb verb_list;
extern const struct verb verb_info;
extern const struct verb verb_validate;
extern const struct verb verb_groups;
extern const struct verb verb_bind;
extern const struct verb verb_unbind;
extern const struct verb verb_paths;
extern const struct verb verb_doctor;
extern const struct verb verb_health;
extern const struct verb verb_capture;
extern const struct verb verb_version;
extern const struct verb verb_help;
