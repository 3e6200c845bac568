/* SPDX-License-Identifier: MIT */
/* vfioctl help */
#include "tools/vfioctl/session/help.h"
#include "tools/vfioctl/session/session.h"
#include "tools/vfioctl/verb/verbs.h"

static int help_run(struct session *session, int argc, char **argv)
{
	const struct verb *verb;

	if (session_option(session, argc, argv, NULL) != -1 ||
		!session_arguments(session, argc - optind, 0, 1))
		return session->stop;
	if (optind == argc) {
		help_all(stdout, session->verbs);
		return EXIT_DONE;
	}
	verb = verb_find(session->verbs, argv[optind]);
	if (!verb)
		return session_fail(session, EXIT_USAGE,
			"there is no command \"%s\"; 'vfioctl --help' lists those there are",
			argv[optind]);
	help_verb(stdout, verb);
	return EXIT_DONE;
}

const struct verb verb_help = {
	.name = "help",
	.args = "[COMMAND]",
	.summary = "print this help, or that of a command",
	.help = "Prints what the commands are, or what one of them does.",
	.run = help_run,
};
