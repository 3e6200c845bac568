/* SPDX-License-Identifier: MIT */
/*
 * What a class member hangs on.
 *
 * An NVMe controller over a fabric is below no PCI function: its folder is that of all fabrics
 * (drivers/nvme/host/fabrics.c). One over Fibre Channel names the port of the host's adapter in its
 * attribute `address`, as "host_traddr=nn-0x...:pn-0x..." (drivers/nvme/host/fc.c), and the
 * adapter's port has that name in its class fc_host (drivers/scsi/scsi_transport_fc.c). Over TCP or
 * RDMA it uses a network interface, whose address tells that it is in use.
 */
#include "core/pci/class_link.h"
#include "core/base/util.h"
#include "core/pci/sysfs.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

typedef int function_fn(void *arg, struct pci_address address);

static int path_functions(const char *path, function_fn *fn, void *arg)
{
	struct pci_address address;
	char part[PCI_ADDRESS_SIZE];
	int stop = 0;

	for (const char *s = path; !stop && *s; s += strspn(s, "/")) {
		size_t len = strcspn(s, "/");

		if (len < sizeof(part)) {
			snprintf(part, sizeof(part), "%.*s", (int)len, s);
			if (pci_address_parse(part, &address))
				stop = fn(arg, address);
		}
		s += len;
	}
	return stop;
}

/* The name that follows the folder in the path, up to the next slash. False when there is none. */
static bool name_after(const char *path, const char *folder, char *buf, size_t size)
{
	const char *at = strstr(path, folder);

	if (!at)
		return false;
	at += strlen(folder);
	snprintf(buf, size, "%.*s", (int)strcspn(at, "/"), at);
	return buf[0] != '\0' && strcmp(buf, "..") != 0;
}

/* The name of the port by which a controller goes out, from its attribute. */
static bool parse_port(const char *address, uint64_t *ret)
{
	const char *host = strstr(address, "host_traddr=");
	const char *port = host ? strstr(host, "pn-0x") : NULL;
	unsigned long long value;

	if (!port || sscanf(port, "pn-0x%16llx", &value) != 1)
		return false;
	*ret = value;
	return true;
}

/* The functions of the adapters that have that port. */
static int port_functions(int root_fd, uint64_t port, function_fn *fn, void *arg)
{
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(root_fd, "sys/class/fc_host");
	char path[NAME_MAX + 16], target[PATH_MAX];
	uint64_t name;
	int stop = 0;

	for (struct dirent *entry; !stop && dir && (entry = sysfs_readdir(dir));) {
		snprintf(path, sizeof(path), "%s/port_name", entry->d_name);
		if (sysfs_read_u64(dirfd(dir), path, &name) != 0 || name != port)
			continue;
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = '\0';
		stop = path_functions(target, fn, arg);
	}
	return stop;
}

/* The functions of an NVMe controller, by the path of its folder or of what is below it. */
static int controller_functions(int root_fd, const char *target, function_fn *fn, void *arg)
{
	char name[32], path[96], text[512];
	uint64_t port;
	int stop = path_functions(target, fn, arg);

	if (stop || !name_after(target, "/nvme-fabrics/ctl/", name, sizeof(name)))
		return stop;
	snprintf(path, sizeof(path), "sys/class/nvme/%s/address", name);
	if (sysfs_read(root_fd, path, text, sizeof(text)) <= 0 || !parse_port(text, &port))
		return 0;
	return port_functions(root_fd, port, fn, arg);
}

int class_link_functions(int root_fd, const char *target, function_fn *fn, void *arg)
{
	char name[64], path[128], controller[PATH_MAX];
	int stop = controller_functions(root_fd, target, fn, arg);

	if (stop || !name_after(target, "/nvme-subsystem/", name, sizeof(name)))
		return stop;
	snprintf(path, sizeof(path), "sys/devices/virtual/nvme-subsystem/%s", name);
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(root_fd, path);
	for (struct dirent *entry; !stop && dir && (entry = sysfs_readdir(dir));) {
		ssize_t n =
			readlinkat(dirfd(dir), entry->d_name, controller, sizeof(controller) - 1);
		if (n < 0)
			continue;
		controller[n] = '\0';
		stop = controller_functions(root_fd, controller, fn, arg);
	}
	return stop;
}

static int keep_last(void *arg, struct pci_address address)
{
	*(struct pci_address *)arg = address;
	return 0;
}

void class_link_chain(const char *target, struct pci_address address, char *buf, size_t size)
{
	struct pci_address last = address;
	char text[PCI_ADDRESS_SIZE];

	buf[0] = '\0';
	path_functions(target, keep_last, &last);
	if (strstr(target, "/nvme-fabrics/ctl/")) {
		snprintf(buf, size, " over Fibre Channel");
	} else if (!pci_address_equal(last, address)) {
		pci_address_format(last, text);
		snprintf(buf, size, " on PCI device %s", text);
	}
}
