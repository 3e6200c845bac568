/* SPDX-License-Identifier: MIT */
/* What the tool says of itself. */
#include "tools/vfioctl/session/help.h"
#include "tools/vfioctl/session/settings.h"

void help_all(FILE *out, const struct verb *const *verbs)
{
	fputs("Usage: vfioctl [OPTION]... COMMAND [ARGUMENT]...\n\n"
	      "Finds, checks, binds and gives back the PCI devices that vfiod manages.\n\n"
	      "Commands:\n",
		out);
	for (const struct verb *const *verb = verbs; *verb; verb++)
		fprintf(out, "  %-9s  %s\n", (*verb)->name, (*verb)->summary);
	fprintf(out, "\nOptions, before or after the command:\n%s\n", settings_help);
	fputs("\nExit codes:\n"
	      "  0  done\n"
	      "  1  refused or failed; validate or doctor said no\n"
	      "  2  the command line makes no sense\n"
	      "  3  the daemon cannot be reached, or does not serve\n"
	      "\n'vfioctl COMMAND --help' tells more of a command.\n",
		out);
}

void help_verb(FILE *out, const struct verb *verb)
{
	fprintf(out, "Usage: vfioctl [OPTION]... %s%s%s\n\n%s\n\nOptions of every command:\n%s\n",
		verb->name, verb->args[0] ? " " : "", verb->args, verb->help, settings_help);
}

void help_version(FILE *out)
{
	fputs("vfioctl " VFIOD_VERSION "\n", out);
}
