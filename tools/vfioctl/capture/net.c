/* SPDX-License-Identifier: MIT */
/* The network interfaces of a capture: those of devices, and what is stacked upon them. */
#include "tools/vfioctl/capture/net.h"
#include "core/base/array.h"
#include "tools/vfioctl/capture/device.h"
#include "tools/vfioctl/capture/text.h"

#include "core/base/util.h"

#include <limits.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

/* Of a path in a host file, but one: for a partition. */
enum { MAX_DEPTH = 5 };

static const char CLASS[] = "sys/class/net";

static int compare_nets(const void *a, const void *b)
{
	return strcmp(((const struct capture_net *)a)->name, ((const struct capture_net *)b)->name);
}

static struct capture_net *find_net(const struct capture *c, const char *name)
{
	for (size_t i = 0; i < c->n_nets; i++) {
		if (strcmp(c->nets[i].name, name) == 0)
			return &c->nets[i];
	}
	return NULL;
}

/* What is stacked upon the interface: a bond, bridge or team, or else a VLAN and the like. */
static void read_upper(const struct capture *c, struct capture_net *net)
{
	static const char UPPER[] = "upper_";
	char path[128];

	snprintf(path, sizeof(path), "%s/%s/master", CLASS, net->name);
	net->is_slave = sysfs_link_name(c->sysfs.root_fd, path, net->upper, sizeof(net->upper)) > 0;
	if (net->is_slave)
		return;
	net->upper[0] = '\0';
	snprintf(path, sizeof(path), "%s/%s", CLASS, net->name);
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(c->sysfs.root_fd, path);
	for (struct dirent *entry; dir && (entry = sysfs_readdir(dir));) {
		const char *name = entry->d_name + strlen(UPPER);

		/* The first by name, for the order in the folder may be any. */
		if (strncmp(entry->d_name, UPPER, strlen(UPPER)) == 0 &&
			strlen(name) < sizeof(net->upper) &&
			(!net->upper[0] || strcmp(name, net->upper) < 0))
			snprintf(net->upper, sizeof(net->upper), "%s", name);
	}
}

static int add_net(
	struct capture *c, const char *name, const struct capture_device *device, const char *path)
{
	struct capture_net *net = ARRAY_ADD(c->nets, c->n_nets);

	if (!net)
		return -1;
	*net = (struct capture_net){.device = device};
	snprintf(net->name, sizeof(net->name), "%s", name);
	snprintf(net->path, sizeof(net->path), "%s", path);
	if (device)
		read_upper(c, net);
	return 0;
}

static int read_entry(struct capture *c, int dir, const char *name)
{
	char target[PATH_MAX];
	const char *below = "";
	ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);

	if (n < 0 || strlen(name) >= CAPTURE_NAME_SIZE)
		return 0;
	target[n] = '\0';
	const struct capture_device *d = capture_device_above(c, target, &below);
	if (!capture_has_children(d))
		return 0;
	return add_net(c, name, d, strlen(below) < CAPTURE_PATH_SIZE ? below : "");
}

int capture_read_nets(struct capture *c)
{
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(c->sysfs.root_fd, CLASS);

	for (struct dirent *entry; dir && (entry = sysfs_readdir(dir));) {
		if (read_entry(c, dirfd(dir), entry->d_name) < 0)
			return -1;
	}
	/* Those of devices first: what they name is appended, which may move the list. */
	for (size_t i = 0, n = c->n_nets; i < n; i++) {
		char upper[CAPTURE_NAME_SIZE];

		memcpy(upper, c->nets[i].upper, sizeof(upper));
		if (upper[0] && !find_net(c, upper) && add_net(c, upper, NULL, "") < 0)
			return -1;
	}
	if (c->n_nets > 0)
		qsort(c->nets, c->n_nets, sizeof(*c->nets), compare_nets);
	for (size_t i = 0; i < c->n_nets; i++) {
		unsigned number = (unsigned)i;
		do
			capture_label(c->nets[i].name, "net", number++, c->nets[i].label);
		while (strcmp(c->nets[i].label, c->nets[i].name) != 0 &&
			find_net(c, c->nets[i].label));
	}
	return 0;
}

/* --- printing ------------------------------------------------------------------------------------
 */

static bool is_up(const struct capture *c, const char *name)
{
	char path[128];
	uint64_t flags;

	snprintf(path, sizeof(path), "%s/%s/flags", CLASS, name);
	return sysfs_read_u64(c->sysfs.root_fd, path, &flags) == 0 && (flags & IFF_UP);
}

/* An interface that is up with an IPv4 address has its own network's route. */
static bool has_route(const char *routes, const char *name, bool *ret_default)
{
	unsigned long destination, mask;
	char line[256], iface[64];
	bool found = false;

	*ret_default = false;
	while (capture_line(&routes, line, sizeof(line))) {
		if (sscanf(line, "%63s %lx %*x %*x %*d %*d %*d %lx", iface, &destination, &mask) !=
				3 ||
			strcmp(iface, name) != 0)
			continue;
		found = true;
		*ret_default |= destination == 0 && mask == 0;
	}
	return found;
}

/* Whether it has an IPv6 address beyond the link-local one that every interface gets. */
static bool has_address6(const char *addresses, const char *name)
{
	enum { SCOPE_LINK = 0x20 };
	char line[256], iface[64];
	unsigned scope;

	while (capture_line(&addresses, line, sizeof(line))) {
		if (sscanf(line, "%*s %*x %*x %x %*x %63s", &scope, iface) == 2 &&
			strcmp(iface, name) == 0 && scope != SCOPE_LINK)
			return true;
	}
	return false;
}

static size_t net_depth(const char *path)
{
	size_t n = 1;

	for (; *path; path++)
		n += *path == '/';
	return n;
}

void capture_print_path(struct capture *c, const char *path, const char *usual, const char *label)
{
	const char *slash = strrchr(path, '/');

	if (!path[0] || strcmp(path, usual) == 0 || !slash || !capture_is_text(path) ||
		strpbrk(path, " ,=") || strstr(path, "/.") || strstr(path, "//") ||
		net_depth(path) > MAX_DEPTH)
		return;
	fprintf(c->out, " path=%.*s/%s", (int)(slash - path), path, label);
}

/* Those that it is built upon without being their master: a VLAN's. */
static void print_lower(struct capture *c, const struct capture_net *upper)
{
	const char *before = " lower=";

	for (size_t i = 0; i < c->n_nets; i++) {
		const struct capture_net *net = &c->nets[i];

		if (net->is_slave || strcmp(net->upper, upper->name) != 0)
			continue;
		fprintf(c->out, "%s%s", before, net->label);
		before = ",";
	}
}

static void print_net(
	struct capture *c, const struct capture_net *net, const char *routes, const char *addresses)
{
	const struct capture_net *upper = net->upper[0] ? find_net(c, net->upper) : NULL;
	char usual[CAPTURE_NAME_SIZE + 8];
	bool is_default;

	fprintf(c->out, "net %s", net->label);
	if (net->device)
		fprintf(c->out, " device=%s", net->device->device->text);
	snprintf(usual, sizeof(usual), "net/%s", net->name);
	capture_print_path(c, net->path, usual, net->label);
	if (is_up(c, net->name)) {
		fputs(" up", c->out);
		if (has_route(routes, net->name, &is_default))
			fputs(is_default ? " address route" : " address", c->out);
		if (has_address6(addresses, net->name))
			fputs(" address6", c->out);
	}
	if (upper && net->is_slave)
		fprintf(c->out, " master=%s", upper->label);
	print_lower(c, net);
	fputc('\n', c->out);
}

void capture_print_nets(struct capture *c)
{
	CLEANUP(free_cleanup) char *routes = capture_slurp(c, "proc/net/route");
	CLEANUP(free_cleanup) char *addresses = capture_slurp(c, "proc/net/if_inet6");

	for (size_t i = 0; i < c->n_nets; i++)
		print_net(c, &c->nets[i], routes, addresses);
}
