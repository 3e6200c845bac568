/* SPDX-License-Identifier: MIT */
/*
 * The hand's process: takes a command, checks it as if an enemy had sent it, and has a child do it.
 *
 * What it should: hold no thread, no library that parses, nothing of a client's text.
 * What it must not: believe main. Addresses come as numbers, names are checked for their letters
 * and must be a driver that exists, and bridges are refused here whatever main thought.
 */
#include "core/hand.h"
#include "core/holders.h"
#include "core/sysfs.h"
#include "core/util.h"
#include "core/vfio_node.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libkmod.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

struct service {
	struct sysfs sysfs;
	const struct allowlist *allow;
	int channel; /* to main */
	int lock_fd;
	bool is_real;
};

static bool name_is_safe(const char *name)
{
	size_t n =
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.+");

	return n > 0 && n < DRIVER_NAME_SIZE && name[n] == '\0' && name[0] != '.';
}

/* What an override held before we came may be any text; what it must not do is end the line. */
static bool override_is_safe(const char *text)
{
	for (const char *s = text; *s; s++) {
		if (!isprint((unsigned char)*s))
			return false;
	}
	return true;
}

/* Writes one attribute. 0 or errno. */
static int write_at(int dirfd, const char *path, const char *text)
{
	CLEANUP(fd_cleanup) int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);

	if (fd < 0)
		return errno;
	ssize_t n = write(fd, text, len);
	if (n < 0)
		return errno;
	return (size_t)n == len ? 0 : EIO;
}

static int write_device(const struct service *s, struct pci_address address, const char *attribute,
	const char *text)
{
	char path[PCI_ADDRESS_SIZE + 32], name[PCI_ADDRESS_SIZE];

	pci_address_format(address, name);
	snprintf(path, sizeof(path), "%s/%s", name, attribute);
	return write_at(s->sysfs.devices_fd, path, text);
}

static int override_get(
	const struct service *s, struct pci_address address, char *text, size_t size)
{
	char path[PCI_ADDRESS_SIZE + 32], name[PCI_ADDRESS_SIZE];
	size_t len;

	pci_address_format(address, name);
	snprintf(path, sizeof(path), "%s/driver_override", name);
	/* As it is: a cleaned text would be restored as what it never was. */
	CLEANUP(free_cleanup) char *value = sysfs_slurp(s->sysfs.devices_fd, path, size, &len);
	if (!value)
		return errno;
	value[strcspn(value, "\n")] = '\0';
	if (strcmp(value, "(null)") == 0)
		value[0] = '\0';
	if (strlen(value) >= size)
		return EFBIG;
	snprintf(text, size, "%s", value);
	return override_is_safe(text) ? 0 : EINVAL;
}

static int override_set(const struct service *s, const struct hand_request *request)
{
	char text[HAND_OVERRIDE_SIZE + 1];

	if (!override_is_safe(request->name))
		return EINVAL;
	/* Zero bytes change nothing; a newline alone clears it. */
	snprintf(text, sizeof(text), "%s\n", request->name);
	return write_device(s, request->address, "driver_override", text);
}

static int write_driver(const struct service *s, struct pci_address address, const char *driver,
	const char *attribute)
{
	char path[DRIVER_NAME_SIZE + 48], text[PCI_ADDRESS_SIZE];

	if (!name_is_safe(driver))
		return EINVAL;
	pci_address_format(address, text);
	snprintf(path, sizeof(path), "sys/bus/pci/drivers/%.*s/%s", DRIVER_NAME_SIZE, driver,
		attribute);
	return write_at(s->sysfs.root_fd, path, text);
}

static int probe(const struct service *s, struct pci_address address)
{
	char text[PCI_ADDRESS_SIZE];

	pci_address_format(address, text);
	return write_at(s->sysfs.root_fd, "sys/bus/pci/drivers_probe", text);
}

/* From the driver that main thinks has it, and no other: the kernel looks, so whatever another tool
 * does meanwhile is not undone unseen. One that has no driver is as it was to be. */
static int unbind(const struct service *s, const struct hand_request *request)
{
	char path[PCI_ADDRESS_SIZE + 16], name[PCI_ADDRESS_SIZE], driver[DRIVER_NAME_SIZE];
	int error = write_driver(s, request->address, request->name, "unbind");

	if (error != ENODEV && error != ENOENT)
		return error;
	pci_address_format(request->address, name);
	snprintf(path, sizeof(path), "%s/driver", name);
	return sysfs_link_name(s->sysfs.devices_fd, path, driver, sizeof(driver)) == -ENOENT
		       ? 0
		       : error;
}

static int load_module(const struct service *s, const char *name)
{
	struct kmod_list *list = NULL, *item;

	if (!s->is_real)
		return EPERM;
	if (strcmp(name, "vfio-pci") != 0 && strcmp(name, "vfio_iommu_type1") != 0)
		return EINVAL;
	struct kmod_ctx *kmod = kmod_new(NULL, NULL);
	int error = kmod ? kmod_module_new_from_lookup(kmod, name, &list) : -ENOMEM;
	if (!error && !list)
		error = -ENOENT;
	kmod_list_foreach(item, list)
	{
		struct kmod_module *module = kmod_module_get_module(item);

		if (error >= 0)
			error = kmod_module_probe_insert_module(
				module, KMOD_PROBE_APPLY_BLACKLIST, NULL, NULL, NULL, NULL);
		kmod_module_unref(module);
	}
	kmod_module_unref_list(list);
	kmod_unref(kmod);
	return error < 0 ? -error : 0;
}

static bool is_bridge(const struct service *s, struct pci_address address)
{
	char path[PCI_ADDRESS_SIZE + 8], name[PCI_ADDRESS_SIZE];
	uint64_t class;

	pci_address_format(address, name);
	snprintf(path, sizeof(path), "%s/class", name);
	return sysfs_read_u64(s->sysfs.devices_fd, path, &class) == 0 && class >> 16 == 0x06;
}

/* What the allowlist keeps away from users must stay on its native driver; giving back is always
 * right. */
static bool is_denied(const struct service *s, const struct hand_request *request)
{
	char path[PCI_ADDRESS_SIZE + 16], name[PCI_ADDRESS_SIZE], driver[DRIVER_NAME_SIZE];
	uint64_t vendor, device;

	pci_address_format(request->address, name);
	snprintf(path, sizeof(path), "%s/vendor", name);
	if (sysfs_read_u64(s->sysfs.devices_fd, path, &vendor) < 0)
		return false; /* gone: the write itself will tell */
	snprintf(path, sizeof(path), "%s/device", name);
	if (sysfs_read_u64(s->sysfs.devices_fd, path, &device) < 0 ||
		allowlist_allows(s->allow, (uint16_t)vendor, (uint16_t)device))
		return false;
	if (request->op == HAND_NODE_SET)
		return true;
	if (request->op == HAND_BIND || request->op == HAND_OVERRIDE_SET)
		return driver_is_vfio(request->name);
	snprintf(path, sizeof(path), "%s/driver", name);
	return request->op == HAND_UNBIND &&
	       sysfs_link_name(s->sysfs.devices_fd, path, driver, sizeof(driver)) > 0 &&
	       !driver_is_vfio(driver);
}

static int node_holders(const struct service *s, struct pci_address address,
	struct hand_reply *reply, struct holders *holders)
{
	struct nodes nodes;

	nodes_find(s->sysfs.root_fd, address, &nodes);
	if (nodes.is_incomplete)
		return E2BIG;
	reply->claimed = nodes_claimed(s->sysfs.root_fd, &nodes);
	reply->console = nodes_match(&nodes, "/dev/fb0") && nodes_show_console(s->sysfs.root_fd);
	return holders_of_nodes(&s->sysfs, &nodes, holders);
}

static int run(const struct service *s, const struct hand_request *request,
	struct hand_reply *reply, struct holders *holders)
{
	switch ((enum hand_op)request->op) {
	case HAND_OVERRIDE_GET:
		return override_get(s, request->address, reply->text, sizeof(reply->text));
	case HAND_OVERRIDE_SET:
		return override_set(s, request);
	case HAND_UNBIND:
		return unbind(s, request);
	case HAND_BIND:
		return write_driver(s, request->address, request->name, "bind");
	case HAND_PROBE:
		return probe(s, request->address);
	case HAND_LOAD:
		return load_module(s, request->name);
	case HAND_HOLDERS:
		return holders_of_vfio(&s->sysfs, holders);
	case HAND_MAPPINGS:
		return holders_of_mappings(&s->sysfs, holders);
	case HAND_NODE_HOLDERS:
		return node_holders(s, request->address, reply, holders);
	case HAND_NODE_SET:
		return vfio_node_set(&s->sysfs, request->address, &request->access);
	case HAND_OP_COUNT:
		break;
	}
	return EINVAL;
}

static bool changes_device(uint32_t op)
{
	return op == HAND_OVERRIDE_SET || op == HAND_UNBIND || op == HAND_BIND || op == HAND_PROBE;
}

/* Takes the device's lock, which the kernel gives back when the child ends, however it ends. A lock
 * of the open file description and no flock: whether one is held can then be asked without taking
 * it, and a question never gets in a writer's way. Returns a descriptor that holds it, or a
 * negative errno. */
static int lock_device(const struct service *s, struct pci_address address)
{
	char name[PCI_ADDRESS_SIZE];
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	pci_address_format(address, name);
	CLEANUP(fd_cleanup)
	int fd = openat(s->lock_fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_OFD_SETLK, &lock) < 0)
		return errno == EAGAIN || errno == EACCES ? -EINPROGRESS : -errno;
	int held = fd;
	fd = -1;
	return held;
}

static bool main_is_gone(const struct service *s)
{
	struct pollfd p = {.fd = s->channel};

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR));
}

/* The lock is given back before the answer goes out: the next command for the device may come
 * before this child has ended. */
static int check_and_run(const struct service *s, const struct hand_request *request,
	struct hand_reply *reply, struct holders *holders)
{
	CLEANUP(fd_cleanup) int lock = -1;

	if (changes_device(request->op)) {
		if (is_bridge(s, request->address) || is_denied(s, request))
			return EPERM;
		lock = lock_device(s, request->address);
		if (lock < 0)
			return -lock;
		/* A main that is started from here on finds the lock. One that was started before
		 * may have repaired everything already, and nothing may be written after that. */
		if (main_is_gone(s))
			return ECANCELED;
	}
	if (request->op == HAND_NODE_SET && is_denied(s, request))
		return EPERM;
	close(s->channel); /* with a copy left in a blocked write, the hand's end would go unseen */
	return run(s, request, reply, holders);
}

/* A write that blocks lives on after the daemon; it must not keep the daemon's terminal, log pipe
 * or anything else open for whoever waits for their end. */
static void let_go_of_stdio(void)
{
	CLEANUP(fd_cleanup) int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; null >= 0 && fd <= 2; fd++)
		dup2(null, fd);
}

/* Sends the answer, in as many messages as it has holders for. Nobody may be waiting any more; what
 * was to be done is done all the same. */
static void answer(int reply_fd, struct hand_reply *reply, const struct holders *holders)
{
	size_t sent = 0;

	reply->truncated = holders->is_truncated;
	do {
		size_t left = holders->count - sent;

		reply->n_holders = left < HAND_MAX_HOLDERS ? (uint32_t)left : HAND_MAX_HOLDERS;
		for (uint32_t i = 0; i < reply->n_holders; i++)
			reply->holders[i] = holders->items[sent + i];
		sent += reply->n_holders;
		reply->more = sent < holders->count;
	} while (send(reply_fd, reply, sizeof(*reply), MSG_NOSIGNAL) > 0 && reply->more);
}

/* The child's whole life. */
static void serve_one(const struct service *s, const struct hand_request *request, int reply_fd)
{
	CLEANUP(holders_clear) struct holders holders = {0};
	struct hand_reply reply = {0};

	/* Reading an override takes the device's lock too, and so can block as long. */
	if (changes_device(request->op) || request->op == HAND_OVERRIDE_GET)
		let_go_of_stdio();
	reply.error = check_and_run(s, request, &reply, &holders);
	answer(reply_fd, &reply, &holders);
}

/* Takes one command and its reply channel. 1; 0 when main is gone; -1 for what is no command. */
static int receive(int fd, struct hand_request *request, int *ret_reply_fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = request, .iov_len = sizeof(*request)};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t n;

	do
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return 0;
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	if (!cmsg || cmsg->cmsg_type != SCM_RIGHTS || cmsg->cmsg_len != CMSG_LEN(sizeof(int)))
		return -1;
	memcpy(ret_reply_fd, CMSG_DATA(cmsg), sizeof(int));
	if ((size_t)n != sizeof(*request) || msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		close(*ret_reply_fd);
		return -1;
	}
	request->name[sizeof(request->name) - 1] = '\0';
	return 1;
}

/* Keeps the two descriptors and stdio; the daemon's listeners above all must not live on in an
 * abandoned write, which would keep their addresses taken. */
static int keep_only(int fds[static 2])
{
	int first = fcntl(fds[0], F_DUPFD_CLOEXEC, 5), second = fcntl(fds[1], F_DUPFD_CLOEXEC, 5);

	if (first < 0 || second < 0 || dup3(first, 3, O_CLOEXEC) < 0 ||
		dup3(second, 4, O_CLOEXEC) < 0)
		return -1;
	fds[0] = 3;
	fds[1] = 4;
	return close_range(5, ~0U, 0);
}

int hand_serve(int channel, const char *root, int lock_fd, const struct allowlist *allow)
{
	int fds[2] = {channel, lock_fd};
	if (keep_only(fds) < 0)
		return EXIT_FAILURE;
	int fd = fds[0];
	struct service s = {.channel = fd, .lock_fd = fds[1], .allow = allow};
	struct hand_request request;
	int reply_fd, got;

	/* SIGINT and SIGTERM are for main: closing the channel is what ends the hand, so that a
	 * change under way is not cut off from the part that would undo it. Children are reaped by
	 * the kernel. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	prctl(PR_SET_DUMPABLE, 0);
	if (sysfs_open(&s.sysfs, root) < 0)
		return EXIT_FAILURE;
	s.is_real = sysfs_is_real(&s.sysfs);
	while ((got = receive(fd, &request, &reply_fd)) != 0) {
		if (got < 0)
			continue;
		if (fork() == 0) {
			serve_one(&s, &request, reply_fd);
			_exit(EXIT_SUCCESS);
		}
		close(reply_fd);
	}
	sysfs_close(&s.sysfs);
	return EXIT_SUCCESS;
}
