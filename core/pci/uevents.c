/* SPDX-License-Identifier: MIT */
/* The kernel's events about devices. */
#include "core/pci/uevents.h"
#include "core/base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* The kernel's own events; udevd sends what it makes of them to another group. */
enum { KERNEL_GROUP = 1 };

/* An event of the kernel has 2 KiB of variables at most, and a path before them. */
enum { MAX_EVENT = 8192 };

static int open_netlink(void)
{
	const struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = KERNEL_GROUP};
	int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd < 0 ? -errno : fd;
	int error = errno;
	close(fd);
	return -error;
}

static int open_file(const struct sysfs *sysfs)
{
	int fd = openat(sysfs->root_fd, "dev/uevent",
		O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
	struct stat status;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		return fd;
	close(fd);
	return -EINVAL;
}

int uevents_open(const struct sysfs *sysfs)
{
	/* Of a simulated host's devices the kernel knows nothing. */
	return sysfs->is_real ? open_netlink() : open_file(sysfs);
}

static enum uevent uevent_of_error(int error)
{
	switch (error) {
	case EAGAIN:
	case EINTR:
		return UEVENT_NONE;
	case ENOBUFS:
		return UEVENT_LOST;
	default:
		return UEVENT_END;
	}
}

/* Whether one of the strings is the variable. The text is n bytes with a NUL behind them. */
static bool has_variable(const char *text, size_t n, const char *variable)
{
	for (size_t at = 0; at < n; at += strlen(text + at) + 1) {
		if (strcmp(text + at, variable) == 0)
			return true;
	}
	return false;
}

static enum uevent uevent_of_text(const char *text, size_t n)
{
	if (!memchr(text, '@', strnlen(text, n)))
		return UEVENT_OTHER;
	return has_variable(text, n, "SUBSYSTEM=pci") ? UEVENT_PCI : UEVENT_OTHER;
}

static enum uevent read_file(int fd)
{
	char text[MAX_EVENT + 1];
	ssize_t n = read(fd, text, MAX_EVENT);

	if (n < 0)
		return uevent_of_error(errno);
	if (n == 0)
		return UEVENT_END;
	text[n] = '\0';
	return n == MAX_EVENT ? UEVENT_LOST : uevent_of_text(text, (size_t)n);
}

static enum uevent read_netlink(int fd)
{
	char text[MAX_EVENT + 1];
	struct sockaddr_nl from = {0};
	struct iovec piece = {.iov_base = text, .iov_len = MAX_EVENT};
	struct msghdr message = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &piece, .msg_iovlen = 1};
	ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT);

	if (n < 0)
		return uevent_of_error(errno);
	/* Any process may send to this socket's port, and root to its group: the kernel's port is
	 * 0. */
	if (message.msg_namelen != sizeof(from) || from.nl_pid != 0 ||
		from.nl_groups != KERNEL_GROUP)
		return UEVENT_OTHER;
	if (message.msg_flags & MSG_TRUNC)
		return UEVENT_LOST;
	text[n] = '\0';
	return uevent_of_text(text, (size_t)n);
}

enum uevent uevents_read(int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return UEVENT_END;
	return S_ISSOCK(status.st_mode) ? read_netlink(fd) : read_file(fd);
}
