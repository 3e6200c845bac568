/* SPDX-License-Identifier: MIT */
/* vfioctl capture */
#include "tools/vfioctl/capture/capture.h"
#include "tools/vfioctl/session/session.h"
#include "tools/vfioctl/verb/verbs.h"

#include "core/base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { OPTION_ROOT = 256, OPTION_OUTPUT };

static const struct option options[] = {
	{"root", required_argument, NULL, OPTION_ROOT},
	{"output", required_argument, NULL, OPTION_OUTPUT},
	{0},
};

struct wish {
	const char *root, *output;
};

/* False when the run ends here, with session->stop. */
static bool take_options(struct session *session, int argc, char **argv, struct wish *ret)
{
	int option;

	while ((option = session_option(session, argc, argv, options)) != -1) {
		if (option == '?')
			return false;
		*(option == OPTION_ROOT ? &ret->root : &ret->output) = optarg;
	}
	if (!session_arguments(session, argc - optind, 0, 0))
		return false;
	if (session->settings.json) {
		session->stop = session_fail(session, EXIT_USAGE, "a host file is not JSON");
		return false;
	}
	return true;
}

static int write_file(struct session *session, const char *path, const char *text, size_t len)
{
	FILE *file = fopen(path, "we");

	if (!file)
		return session_fail(session, EXIT_REFUSED, "cannot write %s: %m", path);
	size_t written = fwrite(text, 1, len, file);
	if (fclose(file) < 0 || written < len)
		return session_fail(session, EXIT_REFUSED, "cannot write %s: %m", path);
	return EXIT_DONE;
}

static int capture_run(struct session *session, int argc, char **argv)
{
	struct wish wish = {.root = "/"};
	struct fault fault;
	char *buffer = NULL;
	size_t len = 0;

	if (!take_options(session, argc, argv, &wish))
		return session->stop;
	/* In memory first: a host that cannot be read leaves an older file as it is. */
	FILE *out = open_memstream(&buffer, &len);
	if (!out)
		return session_fail(session, EXIT_REFUSED, "out of memory");
	int r = capture_write(wish.root, out, &fault);
	bool failed = ferror(out);
	failed |= fclose(out) < 0;
	CLEANUP(free_cleanup) char *text = buffer; /* there since the stream was closed */
	if (failed)
		return session_fail(session, EXIT_REFUSED, "out of memory");
	if (r < 0)
		return session_fail(session, EXIT_REFUSED, "%s", fault.text);
	if (wish.output)
		return write_file(session, wish.output, text, len);
	fwrite(text, 1, len, stdout);
	return EXIT_DONE;
}

const struct verb verb_capture = {
	.name = "capture",
	.args = "[--root DIR] [--output FILE]",
	.summary = "write the host's PCI devices down, for the simulated host",
	.help = "Writes a host file: the PCI devices, drivers, IOMMU groups, network interfaces\n"
		"and disks of this machine, as simhost takes it (docs/simulated-host.md). With\n"
		"it a report of what went wrong here can be tried elsewhere.\n"
		"\n"
		"Only reads, without the daemon, and wakes no device. Root sees more: who uses\n"
		"VFIO devices, and what is mounted. The file holds no serial numbers, MAC or\n"
		"IP addresses, host or user names; of the kernel's command line what is about\n"
		"the IOMMU, PCI and VFIO, of mount points the usual ones. Names of network\n"
		"interfaces, disks and drivers are kept: read it before you send it.\n"
		"\n"
		"Options:\n"
		"      --root DIR       the host below DIR, such as a simulated one\n"
		"      --output FILE    write to FILE instead of standard output",
	.run = capture_run,
};
