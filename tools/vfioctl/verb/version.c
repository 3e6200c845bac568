/* SPDX-License-Identifier: MIT */
/* vfioctl version */
#include "tools/vfioctl/session/help.h"
#include "tools/vfioctl/session/session.h"
#include "tools/vfioctl/verb/verbs.h"

static int version_run(struct session *session, int argc, char **argv)
{
	if (session_option(session, argc, argv, NULL) != -1 ||
		!session_arguments(session, argc - optind, 0, 0))
		return session->stop;
	if (session->settings.json)
		puts("{\"version\":\"" VFIOD_VERSION "\"}");
	else
		help_version(stdout);
	return EXIT_DONE;
}

const struct verb verb_version = {
	.name = "version",
	.args = "",
	.summary = "print the version of vfioctl",
	.help = "Prints the version of vfioctl, without asking the daemon; 'vfioctl doctor'\n"
		"tells that of the daemon.",
	.run = version_run,
};
