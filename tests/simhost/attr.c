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
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netlink.h>

static const char usage[] = "Usage: attr write FILE TEXT    (with \\n and \\0; xN: N times x)\n"
			    "       attr read FILE\n"
			    "       attr events netlink|FILE LAST    (those of PCI and VFIO)\n";

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

static int open_events(const char *source)
{
	const struct sockaddr_nl all = {.nl_family = AF_NETLINK, .nl_groups = 1};

	if (strcmp(source, "netlink") != 0)
		return open(source, O_RDONLY | O_CLOEXEC);
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	if (fd >= 0 && bind(fd, (const struct sockaddr *)&all, sizeof(all)) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Prints an event on a line: its head and its variables, but for the head's own and the number. */
static void print_event(const char *event, const char *end)
{
	static const char *const left_out[] = {"ACTION=", "DEVPATH=", "SEQNUM="};

	printf("%s", event);
	for (const char *s = event + strlen(event) + 1; s < end; s += strlen(s) + 1) {
		bool wanted = true;
		for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
			wanted &= strncmp(s, left_out[i], strlen(left_out[i])) != 0;
		if (wanted)
			printf(" %s", s);
	}
	putchar('\n');
}

static bool is_of_interest(const char *event, const char *end)
{
	static const char *const subsystems[] = {
		"SUBSYSTEM=pci", "SUBSYSTEM=vfio", "SUBSYSTEM=vfio-dev"};

	for (const char *s = event; s < end; s += strlen(s) + 1) {
		for (size_t i = 0; i < sizeof(subsystems) / sizeof(subsystems[0]); i++) {
			if (strcmp(s, subsystems[i]) == 0)
				return true;
		}
	}
	return false;
}

/* Prints events up to the one whose head is `last`. */
static int print_events(const char *source, const char *last)
{
	char event[8192];
	int fd = open_events(source);
	ssize_t n;

	if (fd < 0)
		return say(-1);
	puts("listening");
	fflush(stdout);
	while ((n = read(fd, event, sizeof(event) - 1)) > 0 && strcmp(event, last) != 0) {
		event[n] = '\0';
		if (is_of_interest(event, event + n))
			print_event(event, event + n);
	}
	close(fd);
	return n < 0 ? say(-1) : 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "write") == 0)
		return write_file(argv[2], argv[3]);
	if (argc == 3 && strcmp(argv[1], "read") == 0)
		return read_file(argv[2]);
	if (argc == 4 && strcmp(argv[1], "events") == 0)
		return print_events(argv[2], argv[3]);
	fputs(usage, stderr);
	return 2;
}
