/* SPDX-License-Identifier: MIT */
/* What the host itself uses. */
#include "core/usage.h"
#include "core/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

/* A network interface or a block device, and a PCI function that it would leave with. */
struct part {
	struct pci_address address;
	char name[64];
};

struct parts {
	struct part *items; /* owned */
	size_t count, room;
};

struct usage {
	const struct sysfs *sysfs;
	struct parts nets, disks;
	char *mountinfo, *swaps, *routes, *fib, *addresses6; /* NULL where the host has none */
};

static int parts_add(struct parts *parts, struct pci_address address, const char *name)
{
	if (parts->count == parts->room) {
		size_t room = parts->room ? parts->room * 2 : 16;
		struct part *grown = reallocarray(parts->items, room, sizeof(*grown));
		if (!grown)
			return -1;
		parts->items = grown;
		parts->room = room;
	}
	struct part *part = &parts->items[parts->count++];
	part->address = address;
	snprintf(part->name, sizeof(part->name), "%s", name);
	return 0;
}

/* Adds the thing to every PCI function in its device path: it hangs on the last, but an Intel VMD
 * above that is no bridge by its class and takes it along. */
static int add_path(struct parts *parts, char *path, const char *name)
{
	struct pci_address address;
	char *save = NULL;

	for (char *s = strtok_r(path, "/", &save); s; s = strtok_r(NULL, "/", &save)) {
		if (pci_address_parse(s, &address) && parts_add(parts, address, name))
			return -1;
	}
	return 0;
}

/* With native multipath an NVMe namespace hangs on its subsystem, which no PCI function is above;
 * the subsystem's links lead to its controllers. */
static int add_nvme_subsystem(
	const struct sysfs *sysfs, struct parts *parts, const char *target, const char *name)
{
	static const char FOLDER[] = "/nvme-subsystem/";
	const char *subsystem = strstr(target, FOLDER);
	char path[128], controller[PATH_MAX];

	if (!subsystem)
		return 0;
	subsystem += strlen(FOLDER);
	snprintf(path, sizeof(path), "sys/devices/virtual/nvme-subsystem/%.*s",
		(int)strcspn(subsystem, "/"), subsystem);
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(sysfs->root_fd, path);
	for (struct dirent *entry; dir && (entry = sysfs_readdir(dir));) {
		ssize_t n =
			readlinkat(dirfd(dir), entry->d_name, controller, sizeof(controller) - 1);
		if (n < 0)
			continue;
		controller[n] = '\0';
		if (add_path(parts, controller, name))
			return -1;
	}
	return 0;
}

/* Reads a class folder: one link for each member, into the device tree. */
static int read_class(const struct sysfs *sysfs, const char *class, struct parts *parts)
{
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(sysfs->root_fd, class);

	for (struct dirent *entry; dir && (entry = sysfs_readdir(dir));) {
		char target[PATH_MAX];
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		if (n < 0 || strlen(entry->d_name) >= sizeof(parts->items->name))
			continue;
		target[n] = '\0';
		if (add_nvme_subsystem(sysfs, parts, target, entry->d_name) ||
			add_path(parts, target, entry->d_name))
			return -1;
	}
	return 0;
}

static char *slurp(const struct sysfs *sysfs, const char *path)
{
	size_t len;

	return sysfs_slurp(sysfs->root_fd, path, 16 << 20, &len);
}

int usage_read(const struct sysfs *sysfs, struct usage **ret, struct core_error *err)
{
	CLEANUP(usage_cleanup) struct usage *u = calloc(1, sizeof(*u));

	if (!u || read_class(sysfs, "sys/class/net", &u->nets) ||
		read_class(sysfs, "sys/class/block", &u->disks))
		return core_fail_memory(err);
	u->sysfs = sysfs;
	/* The first process's mounts and not ours: a service may run in a mount namespace of its
	 * own that hides what the host has mounted. */
	u->mountinfo = slurp(sysfs, "proc/1/mountinfo");
	if (!u->mountinfo)
		u->mountinfo = slurp(sysfs, "proc/self/mountinfo");
	u->swaps = slurp(sysfs, "proc/swaps");
	u->routes = slurp(sysfs, "proc/net/route");
	u->fib = slurp(sysfs, "proc/net/fib_trie");
	u->addresses6 = slurp(sysfs, "proc/net/if_inet6");
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
	free(u);
}

/* Takes the next line off *text, without changing what others read: copied into buf and cut. */
static bool next_line(const char **text, char *buf, size_t size)
{
	if (!*text || !**text)
		return false;
	size_t len = strcspn(*text, "\n");
	snprintf(buf, size, "%.*s", (int)(len < size ? len : size - 1), *text);
	*text += len + ((*text)[len] == '\n');
	return true;
}

/* Whether /proc/net/route sends anything through the interface; *is_default when it is the way
 * out. An interface that is up with an IPv4 address has its own network's route here. */
static bool has_route(const struct usage *u, const char *name, bool *is_default)
{
	const char *text = u->routes;
	bool found = false;
	char line[256], iface[64];
	unsigned long destination, mask;

	*is_default = false;
	while (next_line(&text, line, sizeof(line))) {
		if (sscanf(line, "%63s %lx %*x %*x %*d %*d %*d %lx", iface, &destination, &mask) !=
			3)
			continue; /* the heading */
		if (strcmp(iface, name) != 0)
			continue;
		found = true;
		*is_default |= destination == 0 && mask == 0;
	}
	return found;
}

/* Whether the interface has an IPv6 address beyond the link-local one that every interface gets. */
static bool has_address6(const struct usage *u, const char *name)
{
	const char *text = u->addresses6;
	char line[256], iface[64];
	unsigned scope;

	while (next_line(&text, line, sizeof(line))) {
		if (sscanf(line, "%*s %*x %*x %x %*x %63s", &scope, iface) == 2 &&
			strcmp(iface, name) == 0 && scope != 0x20)
			return true;
	}
	return false;
}

/* The interface stacked upon this one (bond, bridge, team, VLAN, macvlan), if there is one. */
static bool find_upper(const struct usage *u, const char *name, char *upper, size_t size)
{
	char path[128];

	snprintf(path, sizeof(path), "sys/class/net/%s/master", name);
	if (sysfs_link_name(u->sysfs->root_fd, path, upper, size) > 0)
		return true;
	snprintf(path, sizeof(path), "sys/class/net/%s", name);
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(u->sysfs->root_fd, path);
	for (struct dirent *entry; dir && (entry = sysfs_readdir(dir));) {
		if (strncmp(entry->d_name, "upper_", 6) == 0) {
			snprintf(upper, size, "%s", entry->d_name + 6);
			return true;
		}
	}
	return false;
}

static bool is_up(const struct usage *u, const char *name)
{
	char path[128];
	uint64_t flags;

	snprintf(path, sizeof(path), "sys/class/net/%s/flags", name);
	return sysfs_read_u64(u->sysfs->root_fd, path, &flags) == 0 && (flags & IFF_UP);
}

/* Says how the interface is in use, or "" when it is not. */
static void net_use(const struct usage *u, const char *name, char *how, size_t size)
{
	char upper[64];
	bool is_default;

	how[0] = '\0';
	if (find_upper(u, name, upper, sizeof(upper)))
		snprintf(how, size, "is under %s", upper);
	else if (!is_up(u, name))
		return;
	else if (has_route(u, name, &is_default))
		snprintf(how, size, is_default ? "has the default route" : "is up with an address");
	else if (has_address6(u, name))
		snprintf(how, size, "is up with an address");
}

/* Whether the route is the interface's own network, and then which. */
static bool own_network(const char *line, const char *name, uint32_t *ret_net, uint32_t *ret_mask)
{
	char iface[64];
	unsigned gateway;

	/* In the host's byte order of a number that is in the network's. */
	return sscanf(line, "%63s %x %x %*x %*d %*d %*d %x", iface, ret_net, &gateway, ret_mask) ==
		       4 &&
	       strcmp(iface, name) == 0 && gateway == 0 && *ret_mask != 0;
}

/* The first of the host's own IPv4 addresses in the network. fib_trie has them as leaves, each
 * followed by lines that tell what it is. */
static bool local_address(
	const struct usage *u, uint32_t net, uint32_t mask, char *buf, size_t size)
{
	const char *text = u->fib;
	char line[256], leaf[INET_ADDRSTRLEN] = "";
	struct in_addr address;

	while (next_line(&text, line, sizeof(line))) {
		if (sscanf(line, " |-- %15[0-9.]", leaf) == 1)
			continue;
		if (strstr(line, "/32 host LOCAL") && inet_pton(AF_INET, leaf, &address) == 1 &&
			(address.s_addr & mask) == net) {
			snprintf(buf, size, "%s", leaf);
			return true;
		}
	}
	return false;
}

/* The first IPv6 address of the interface that is not link-local, from its 32 hex digits. */
static bool local_address6(const struct usage *u, const char *name, char *buf, size_t size)
{
	const char *text = u->addresses6;
	char line[256], iface[64], digits[33];
	struct in6_addr address;
	unsigned scope;

	while (next_line(&text, line, sizeof(line))) {
		if (sscanf(line, "%32s %*x %*x %x %*x %63s", digits, &scope, iface) != 3 ||
			strcmp(iface, name) != 0 || scope == 0x20 || strlen(digits) != 32)
			continue;
		for (size_t i = 0; i < sizeof(address.s6_addr); i++) {
			unsigned byte = 0;
			sscanf(digits + 2 * i, "%2x", &byte);
			address.s6_addr[i] = (uint8_t)byte;
		}
		return inet_ntop(AF_INET6, &address, buf, (socklen_t)size) != NULL;
	}
	return false;
}

/* The interface's address, as far as files tell; "" when they do not. */
static void net_address(const struct usage *u, const char *name, char *buf, size_t size)
{
	const char *text = u->routes;
	char line[256];
	uint32_t net, mask;

	while (next_line(&text, line, sizeof(line))) {
		if (own_network(line, name, &net, &mask) && local_address(u, net, mask, buf, size))
			return;
	}
	local_address6(u, name, buf, size);
}

void usage_check_network(
	const struct usage *usage, struct pci_address address, struct core_problems *problems)
{
	char how[96], text[PCI_ADDRESS_SIZE];

	pci_address_format(address, text);
	for (size_t i = 0; i < usage->nets.count; i++) {
		const struct part *net = &usage->nets.items[i];

		if (!pci_address_equal(net->address, address))
			continue;
		net_use(usage, net->name, how, sizeof(how));
		if (!how[0])
			continue;
		char where[64] = "";
		net_address(usage, net->name, where, sizeof(where));
		core_problem_set_resource(
			core_problem_add_device(problems, address, REASON_NIC_IN_USE,
				"take the interface down and out of use first, or force NIC_IN_USE",
				"device %s carries network interface %s%s%s%s, which %s", text,
				net->name, where[0] ? " (" : "", where, where[0] ? ")" : "", how),
			"%s%s%s", net->name, where[0] ? " " : "", where);
	}
}

/* Undoes mountinfo's octal escapes (\040 for a blank) in place. */
static void unescape(char *s)
{
	char *out = s;

	for (; *s; s++, out++) {
		if (*s == '\\' && strspn(s + 1, "01234567") >= 3) {
			*out = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*out = *s;
		}
	}
	*out = '\0';
}

/* Whether a mount has this device number or, for file systems that number their own (btrfs), this
 * source; writes where. */
static bool find_mount(const struct usage *u, const char *name, char *where, size_t size)
{
	const char *text = u->mountinfo;
	char path[128], number[32] = "?", line[2048];

	snprintf(path, sizeof(path), "sys/class/block/%s/dev", name);
	sysfs_read(u->sysfs->root_fd, path, number, sizeof(number));
	while (next_line(&text, line, sizeof(line))) {
		char device[32], point[1024], source[256] = "";
		char *tail = strstr(line, " - ");

		if (!tail || sscanf(line, "%*d %*d %31s %*s %1023s", device, point) != 2)
			continue;
		sscanf(tail, " - %*s %255s", source);
		const char *base = strncmp(source, "/dev/", 5) == 0 ? source + 5 : "";
		if (strcmp(device, number) == 0 || strcmp(base, name) == 0) {
			unescape(point);
			snprintf(where, size, "mounted on %.64s", point);
			return true;
		}
	}
	return false;
}

static bool find_swap(const struct usage *u, const char *name)
{
	const char *text = u->swaps;
	char line[512], source[256];

	while (next_line(&text, line, sizeof(line))) {
		if (sscanf(line, "%255s", source) == 1 && strncmp(source, "/dev/", 5) == 0 &&
			strcmp(source + 5, name) == 0)
			return true;
	}
	return false;
}

/* Says how the block device is in use, following what is built upon it. A holder alone is use: md,
 * device-mapper and bcache keep the disk open whether or not anything of theirs is mounted. */
static bool disk_use(const struct usage *u, const char *name, int depth, char *how, size_t size)
{
	char path[128];

	if (find_mount(u, name, how, size))
		return true;
	if (find_swap(u, name)) {
		snprintf(how, size, "swapped on");
		return true;
	}
	snprintf(path, sizeof(path), "sys/class/block/%s/holders", name);
	CLEANUP(dir_cleanup) DIR *dir = depth > 0 ? sysfs_opendir(u->sysfs->root_fd, path) : NULL;
	for (struct dirent *entry; dir && (entry = sysfs_readdir(dir));) {
		char above[80] = "in use";

		if (strlen(entry->d_name) > 63)
			continue;
		disk_use(u, entry->d_name, depth - 1, above, sizeof(above));
		snprintf(how, size, "part of %s (%s)", entry->d_name, above);
		return true;
	}
	return false;
}

void usage_check_disk(
	const struct usage *usage, struct pci_address address, struct core_problems *problems)
{
	enum { MAX_STACK = 16 }; /* of md upon dm upon md …; the kernel's own limit is lower */
	char how[160], text[PCI_ADDRESS_SIZE];

	pci_address_format(address, text);
	for (size_t i = 0; i < usage->disks.count; i++) {
		const struct part *disk = &usage->disks.items[i];

		if (!pci_address_equal(disk->address, address) ||
			!disk_use(usage, disk->name, MAX_STACK, how, sizeof(how)))
			continue;
		core_problem_set_resource(
			core_problem_add_device(problems, address, REASON_DISK_IN_USE,
				"unmount it, or stop what is built upon it, first, or force "
				"DISK_IN_USE",
				"device %s carries disk %s, which is %s", text, disk->name, how),
			"%s %s", disk->name, how);
	}
}
