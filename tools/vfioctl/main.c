/* SPDX-License-Identifier: MIT */
/* vfioctl: the daemon's operations on the command line. */
#include "tools/vfioctl/print/text.h"
#include "tools/vfioctl/session/help.h"
#include "tools/vfioctl/session/session.h"
#include "tools/vfioctl/verb/verbs.h"

#include <stdlib.h>

/* Finds the verb among the arguments and runs it. An exit code. */
static int main_run(struct session *session, int argc, char **argv)
{
	char name[64];
	int at;

	if (session_option(session, argc, argv, NULL) != -1)
		return session->stop;
	at = optind;
	if (at >= argc) {
		help_all(stderr, session->verbs);
		return EXIT_USAGE;
	}
	session->verb = verb_find(session->verbs, argv[at]);
	if (!session->verb)
		return session_fail(session, EXIT_USAGE,
			"there is no command \"%s\"; 'vfioctl --help' lists those there are",
			argv[at]);
	/* getopt's own messages begin with argv[0], and 0 makes it start anew. */
	snprintf(name, sizeof(name), "vfioctl %s", session->verb->name);
	argv[at] = name;
	optind = 0;
	return session->verb->run(session, argc - at, argv + at);
}

/* A full disk or a closed pipe must not look like success. */
static int main_flush(const struct session *session, int exit_code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return exit_code;
	session_fail(session, EXIT_REFUSED, "cannot write to standard output: %m");
	return exit_code == EXIT_DONE ? EXIT_REFUSED : exit_code;
}

int main(int argc, char **argv)
{
	struct session session = {.verbs = verbs};
	int exit_code;

	text_init();
	exit_code = main_flush(&session, main_run(&session, argc, argv));
	session_close(&session);
	return exit_code;
}
