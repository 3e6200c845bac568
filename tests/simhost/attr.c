/* SPDX-License-Identifier: MIT */
/*
 * Writes and reads one attribute and prints the errno by its name, which a shell does not tell.
 * The probes use it, on the simulated host and in the lab.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] = "Usage: attr write FILE TEXT    (with \\n and \\0; xN: N times x)\n"
			    "       attr read FILE\n";

static int say(ssize_t result)
{
	printf("%s\n", result < 0 ? strerrorname_np(errno) : "ok");
	return result < 0;
}

/* Undoes \n and \0; or makes the text of N times x. Returns the length. */
static size_t make_text(const char *arg, char *buf, size_t size)
{
	char *end;
	size_t n = arg[0] == 'x' ? strtoul(arg + 1, &end, 10) : 0;

	if (n > 0 && n < size && !*end) {
		memset(buf, 'x', n);
		return n;
	}
	for (n = 0; *arg && n < size; arg++, n++) {
		bool escape = arg[0] == '\\' && (arg[1] == 'n' || arg[1] == '0');

		buf[n] = !escape ? *arg : arg[1] == 'n' ? '\n' : '\0';
		arg += escape;
	}
	return n;
}

static int write_file(const char *path, const char *arg)
{
	static char text[8192];
	size_t n = make_text(arg, text, sizeof(text));
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return say(-1);
	int result = say(write(fd, text, n));
	close(fd);
	return result;
}

static int read_file(const char *path)
{
	char text[8192];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (n < 0)
		return say(-1);
	fwrite(text, 1, (size_t)n, stdout);
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "write") == 0)
		return write_file(argv[2], argv[3]);
	if (argc == 3 && strcmp(argv[1], "read") == 0)
		return read_file(argv[2]);
	fputs(usage, stderr);
	return 2;
}
