/* SPDX-License-Identifier: MIT */
/* What the host itself uses: network interfaces. */
#include "core/use/net_use.h"
#include "core/base/util.h"
#include "core/use/net_elsewhere.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

/* Whether /proc/net/route sends anything through the interface; *is_default when it is the way
 * out. An interface that is up with an IPv4 address has its own network's route here. */
static bool has_route(const struct usage *u, const char *name, bool *is_default)
{
	const char *text = u->routes;
	bool found = false;
	char line[256], iface[64];
	unsigned long destination, mask;

	*is_default = false;
	while (usage_next_line(&text, line, sizeof(line))) {
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

	while (usage_next_line(&text, line, sizeof(line))) {
		if (sscanf(line, "%*s %*x %*x %x %*x %63s", &scope, iface) == 2 &&
			strcmp(iface, name) == 0 && scope != 0x20)
			return true;
	}
	return false;
}

/* Whether IPv6's default route goes through the interface, which may have no address but a
 * link-local one. The kernel keeps one of its own at `lo`, for what has none. */
static bool has_default_route6(const struct usage *u, const char *name)
{
	static const char ANYWHERE[] = "00000000000000000000000000000000 00 ";
	const char *text = u->routes6;
	char line[256], iface[64];

	while (usage_next_line(&text, line, sizeof(line))) {
		if (strncmp(line, ANYWHERE, strlen(ANYWHERE)) == 0 &&
			sscanf(line, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %63s", iface) == 1 &&
			strcmp(iface, name) == 0)
			return true;
	}
	return false;
}

/* The interface stacked upon this one (bond, bridge, team, VLAN, macvlan), if there is one. */
static bool find_upper(const struct usage *u, const char *name, char *upper, size_t size)
{
	char path[128];

	snprintf(path, sizeof(path), "sys/class/net/%s/master", name);
	ssize_t n = sysfs_link_name(u->sysfs->root_fd, path, upper, size);
	if (n > 0)
		return true;
	snprintf(path, sizeof(path), "sys/class/net/%s", name);
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(u->sysfs->root_fd, path);
	/* One that cannot be looked at may be under anything. */
	if ((n < 0 && n != -ENOENT) || (!dir && errno != ENOENT)) {
		snprintf(upper, size, "something that could not be read");
		return true;
	}
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
	int error = sysfs_read_u64(u->sysfs->root_fd, path, &flags);

	return error ? error != -ENOENT : flags & IFF_UP;
}

/* The interface's first address of the running kernel that is not link-local IPv6. */
static bool kernel_address(const struct usage *u, const char *name, char *buf, size_t size)
{
	size_t len = strlen(name);

	for (const struct ifaddrs *a = u->addresses; a; a = a->ifa_next) {
		const void *address = NULL;

		/* An IPv4 address may have a label, which is "eth0:1" then. */
		if (!a->ifa_addr || strncmp(a->ifa_name, name, len) != 0 ||
			(a->ifa_name[len] != '\0' && a->ifa_name[len] != ':'))
			continue;
		if (a->ifa_addr->sa_family == AF_INET)
			address =
				&((const struct sockaddr_in *)(const void *)a->ifa_addr)->sin_addr;
		if (a->ifa_addr->sa_family == AF_INET6)
			address = &((const struct sockaddr_in6 *)(const void *)a->ifa_addr)
					   ->sin6_addr;
		if (!address || (a->ifa_addr->sa_family == AF_INET6 &&
					IN6_IS_ADDR_LINKLOCAL((const struct in6_addr *)address)))
			continue;
		return inet_ntop(a->ifa_addr->sa_family, address, buf, (socklen_t)size) != NULL;
	}
	return false;
}

/* Whether a PPPoE session goes out by the interface, which has no address then
 * (drivers/net/ppp/pppoe.c, pppoe_seq_show). */
static bool has_pppoe(const struct usage *u, const char *name)
{
	const char *text = u->pppoe;
	char line[256], iface[64];

	while (usage_next_line(&text, line, sizeof(line))) {
		if (sscanf(line, "%*x %*s %63s", iface) == 1 && strcmp(iface, name) == 0)
			return true;
	}
	return false;
}

/* Whether a packet socket is bound to the interface: somebody reads or writes its frames, whatever
 * its addresses (net/packet/af_packet.c, packet_seq_show). */
static bool has_packet_socket(const struct usage *u, const char *name)
{
	const char *text = u->packets;
	char path[128], line[256];
	uint64_t index;
	unsigned bound;

	snprintf(path, sizeof(path), "sys/class/net/%s/ifindex", name);
	if (sysfs_read_u64(u->sysfs->root_fd, path, &index) != 0)
		return false;
	while (usage_next_line(&text, line, sizeof(line))) {
		if (sscanf(line, "%*s %*u %*u %*x %9u", &bound) == 1 && bound == index)
			return true;
	}
	return false;
}

/* Says how the interface is in use, or "" when it is not. */
static void net_use(const struct usage *u, const char *name, char *how, size_t size)
{
	char upper[64], address[INET6_ADDRSTRLEN];
	bool is_default;

	how[0] = '\0';
	if (find_upper(u, name, upper, sizeof(upper)))
		snprintf(how, size, "is under %s", upper);
	else if (has_pppoe(u, name))
		snprintf(how, size, "carries a PPPoE session");
	else if (has_packet_socket(u, name))
		snprintf(how, size, "a program reads through a packet socket");
	else if (!is_up(u, name))
		return;
	else if (has_route(u, name, &is_default))
		snprintf(how, size, is_default ? "has the default route" : "is up with an address");
	else if (has_default_route6(u, name))
		snprintf(how, size, "has the default route of IPv6");
	else if (has_address6(u, name) || kernel_address(u, name, address, sizeof(address)))
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

	while (usage_next_line(&text, line, sizeof(line))) {
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

	while (usage_next_line(&text, line, sizeof(line))) {
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

/* The interface's address, as far as the kernel or files tell; "" when they do not. */
static void net_address(const struct usage *u, const char *name, char *buf, size_t size)
{
	const char *text = u->routes;
	char line[256];
	uint32_t net, mask;

	if (kernel_address(u, name, buf, size))
		return;
	while (usage_next_line(&text, line, sizeof(line))) {
		if (own_network(line, name, &net, &mask) && local_address(u, net, mask, buf, size))
			return;
	}
	local_address6(u, name, buf, size);
}

/* It has not been given away for nothing; and of vfiod's own namespace, none may be left. */
static void check_elsewhere(
	const struct usage *usage, struct pci_address address, struct core_problems *problems)
{
	char text[PCI_ADDRESS_SIZE];
	int elsewhere = net_is_elsewhere(usage->sysfs, address);

	pci_address_format(address, text);
	if (elsewhere < 0)
		core_problem_add_device(problems, address, REASON_NIC_IN_USE,
			"run vfiod as root, or force NIC_IN_USE",
			"whether device %s carries a network interface in use could not be found out: %s",
			text, strerror(-elsewhere));
	else if (elsewhere)
		core_problem_add_device(problems, address, REASON_NIC_IN_USE,
			"take it back from the container or namespace that has it, run vfiod in the host's own network namespace (PrivateNetwork=no), or force NIC_IN_USE",
			"device %s carries a network interface in another network namespace, where vfiod cannot see what uses it",
			text);
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
				"device %s carries network interface %s%s%s%s%s, which %s", text,
				net->name, where[0] ? " (" : "", where, where[0] ? ")" : "",
				net->chain, how),
			"%s%s%s", net->name, where[0] ? " " : "", where);
	}
	check_elsewhere(usage, address, problems);
}
