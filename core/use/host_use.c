/* SPDX-License-Identifier: MIT */
/* What the host itself uses: the snapshot. */
#include "core/use/host_use.h"

#include "core/base/array.h"
#include "core/base/util.h"
#include "core/pci/class_link.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static int parts_add(
	struct parts *parts, struct pci_address address, const char *name, const char *target)
{
	struct part *part = ARRAY_ADD(parts->items, parts->count);

	if (!part)
		return -1;
	part->address = address;
	snprintf(part->name, sizeof(part->name), "%s", name);
	class_link_chain(target, address, part->chain, sizeof(part->chain));
	return 0;
}

/* Where the functions of one class member go. */
struct adding {
	struct parts *parts;
	const char *name, *target;
};

static int add_function(void *arg, struct pci_address address)
{
	const struct adding *a = arg;

	return parts_add(a->parts, address, a->name, a->target);
}

/* Reads a class folder: one link for each member, into the device tree. 0 or errno. */
static int read_class(const struct sysfs *sysfs, const char *class, struct parts *parts)
{
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(sysfs->root_fd, class);

	if (!dir)
		return errno == ENOENT ? 0 : errno;
	for (struct dirent *entry; (entry = sysfs_readdir(dir));) {
		char target[PATH_MAX];
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		if (n < 0 || strlen(entry->d_name) >= sizeof(parts->items->name))
			continue;
		target[n] = '\0';
		if (class_link_functions(sysfs->root_fd, target, add_function,
			    &(struct adding){parts, entry->d_name, target}))
			return ENOMEM;
	}
	return 0;
}

/* A loop device upon a disk does not hold it, but whatever is mounted from it ends with the disk. 0
 * or errno. */
static int read_loops(const struct sysfs *sysfs, struct loops *loops)
{
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(sysfs->root_fd, "sys/class/block");
	char path[64], below[PATH_MAX];

	if (!dir)
		return errno == ENOENT ? 0 : errno;
	for (struct dirent *entry; (entry = sysfs_readdir(dir));) {
		if (strncmp(entry->d_name, "loop", 4) != 0 || strlen(entry->d_name) > 32)
			continue;
		snprintf(path, sizeof(path), "%.32s/loop/backing_file", entry->d_name);
		if (sysfs_read(dirfd(dir), path, below, sizeof(below)) <= 5 ||
			strncmp(below, "/dev/", 5) != 0)
			continue;
		struct loop *loop = ARRAY_ADD(loops->items, loops->count);
		if (!loop)
			return ENOMEM;
		snprintf(loop->name, sizeof(loop->name), "%.63s", entry->d_name);
		snprintf(loop->below, sizeof(loop->below), "%.63s", below + 5);
	}
	return 0;
}

static int fail_reading(const char *path, int error, struct core_error *err)
{
	return core_fail(err, CORE_INTERNAL,
		"cannot find out what the host uses: reading /%s failed: %s", path,
		strerror(error));
}

/* Reads a file that a host may lack. */
static int usage_slurp(const struct usage *u, const char *path, char **ret, struct core_error *err)
{
	size_t len;

	*ret = sysfs_slurp(u->sysfs->root_fd, path, 16 << 20, &len);
	return *ret || errno == ENOENT ? 0 : fail_reading(path, errno, err);
}

/* The first process's mounts and not ours: a service may run in a mount namespace of its own that
 * hides what the host has mounted. Who may not look there takes ours. */
static int slurp_mounts(struct usage *u, struct core_error *err)
{
	static const char FIRST[] = "proc/1/mountinfo";
	size_t len;

	u->mountinfo = sysfs_slurp(u->sysfs->root_fd, FIRST, 16 << 20, &len);
	int error = errno;
	if (u->mountinfo)
		return 0;
	if (error != ENOENT && error != EACCES && error != EPERM)
		return fail_reading(FIRST, error, err);
	return usage_slurp(u, "proc/self/mountinfo", &u->mountinfo, err);
}

static int read_files(struct usage *u, struct core_error *err)
{
	return slurp_mounts(u, err) || usage_slurp(u, "proc/swaps", &u->swaps, err) ||
			       usage_slurp(u, "proc/net/route", &u->routes, err) ||
			       usage_slurp(u, "proc/net/fib_trie", &u->fib, err) ||
			       usage_slurp(u, "proc/net/if_inet6", &u->addresses6, err) ||
			       usage_slurp(u, "proc/net/ipv6_route", &u->routes6, err) ||
			       usage_slurp(u, "proc/net/pppoe", &u->pppoe, err) ||
			       usage_slurp(u, "proc/net/packet", &u->packets, err)
		       ? -1
		       : 0;
}

int usage_read(const struct sysfs *sysfs, struct usage **ret, struct core_error *err)
{
	CLEANUP(usage_cleanup) struct usage *u = calloc(1, sizeof(*u));

	if (!u)
		return core_fail_memory(err);
	u->sysfs = sysfs;
	int error = read_class(sysfs, "sys/class/net", &u->nets);
	if (!error)
		error = read_class(sysfs, "sys/class/block", &u->disks);
	if (!error)
		error = read_loops(sysfs, &u->loops);
	/* No file tells of all IPv4 addresses: one of a network of its own has no route. */
	if (!error && sysfs->is_real && getifaddrs(&u->addresses) < 0)
		error = errno;
	if (error)
		return core_fail(err, CORE_INTERNAL, "cannot find out what the host uses: %s",
			strerror(error));
	if (read_files(u, err))
		return -1;
	*ret = STEAL(u);
	return 0;
}

void usage_free(struct usage *u)
{
	if (!u)
		return;
	free(u->nets.items);
	free(u->disks.items);
	free(u->mountinfo);
	free(u->swaps);
	free(u->routes);
	free(u->fib);
	free(u->addresses6);
	free(u->routes6);
	free(u->pppoe);
	free(u->packets);
	free(u->loops.items);
	if (u->addresses)
		freeifaddrs(u->addresses);
	free(u);
}

bool usage_next_line(const char **text, char *buf, size_t size)
{
	if (!*text || !**text)
		return false;
	size_t len = strcspn(*text, "\n");
	snprintf(buf, size, "%.*s", (int)(len < size ? len : size - 1), *text);
	*text += len + ((*text)[len] == '\n');
	return true;
}
