/* SPDX-License-Identifier: MIT */
/* simhost: a host that is described in a file, as a folder with its sys/, proc/ and dev/. */
#include "tools/simhost/fs/session.h"
#include "tools/simhost/spec/read.h"
#include "tools/simhost/view/names.h"

#include "core/base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
	"Usage: simhost [--foreground] HOST-FILE FOLDER\n"
	"       simhost --check HOST-FILE\n"
	"\n"
	"Mounts on FOLDER the host that HOST-FILE describes: its sys/, proc/ and dev/, with what the\n"
	"kernel's PCI core does when they are written. Ends, and unmounts, on SIGTERM and SIGINT.\n"
	"\n"
	"  -f, --foreground   stay, rather than go to the background once the folder is mounted\n"
	"      --check        only read HOST-FILE\n"
	"  -h, --help         this text\n"
	"  -V, --version      the version\n"
	"\n"
	"The file FOLDER/control takes commands: hold a device, make a write fail, pull a card.\n"
	"docs/simulated-host.md describes host files and commands.\n";

struct options {
	bool foreground, check;
	const char *file, *folder;
};

/* 0, 1 when there is nothing more to do, -1 after saying what is wrong. */
static int main_parse(int argc, char **argv, struct options *ret)
{
	static const struct option names[] = {
		{"foreground", no_argument, NULL, 'f'},
		{"check", no_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "fhV", names, NULL)) != -1) {
		switch (c) {
		case 'f':
			ret->foreground = true;
			break;
		case 'c':
			ret->check = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return 1;
		case 'V':
			puts("simhost " VFIOD_VERSION);
			return 1;
		default:
			return -1;
		}
	}
	if (argc - optind != (ret->check ? 1 : 2)) {
		fputs(usage, stderr);
		return -1;
	}
	ret->file = argv[optind];
	ret->folder = argv[optind + 1];
	return 0;
}

/* The folder's full path, for the background process works in another one. Says what is wrong. */
static bool find_folder(const char *folder, char *ret)
{
	/* Opened, too: of a mount that was left behind the kernel still knows path and attributes.
	 */
	CLEANUP(fd_cleanup) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && realpath(folder, ret))
		return true;
	if (errno == ENOTCONN)
		fprintf(stderr,
			"simhost: a simulated host was mounted on %s and was killed: unmount it first (fusermount3 -u %s)\n",
			folder, folder);
	else
		fprintf(stderr, "simhost: cannot mount on %s: %s\n", folder, strerror(errno));
	return false;
}

static struct model *open_host(const char *file)
{
	CLEANUP(free_cleanup) char *error = NULL;
	struct spec *spec = spec_read(file, &view_names, &error);
	struct model *model = spec ? model_new(spec, file, &error) : NULL;

	if (!model)
		fprintf(stderr, "simhost: %s\n", error);
	return model;
}

int main(int argc, char **argv)
{
	struct options options = {0};
	char folder[PATH_MAX];
	int parsed = main_parse(argc, argv, &options);

	if (parsed)
		return parsed < 0 ? 2 : 0;
	if (!options.check && !find_folder(options.folder, folder))
		return 1;
	struct model *model = open_host(options.file);
	if (!model)
		return 1;
	int result = options.check ? 0 : session_run(model, folder, options.foreground);
	model_free(model);
	return result ? 1 : 0;
}
