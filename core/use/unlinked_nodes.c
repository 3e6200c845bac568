/* SPDX-License-Identifier: MIT */
/*
 * Nodes that belong to a device although sysfs does not link them to it.
 *
 * Left out, because having one open does not tell which device is used, or uses none:
 * - /dev/snd/seq and /dev/snd/timer are all cards' (sound/core). Who plays or records has a node of
 *   the card open too.
 * - /dev/input/mice is all mice's (drivers/input/mousedev.c); /dev/kfd is all of AMD's GPUs'. Who
 *   computes on one has its /dev/dri/renderD open too (drivers/gpu/drm/amd/amdkfd).
 * - /dev/nvidiactl, /dev/nvidia-uvm and /dev/nvidia-modeset are all of NVIDIA's GPUs': who uses one
 *   has its /dev/nvidiaN open too.
 * - /dev/infiniband/rdma_cm, /dev/nvme-fabrics, /dev/qat_adf_ctl, /dev/mpt3ctl and
 *   /dev/megaraid_sas_ioctl_node are their drivers', for every device of theirs.
 * - /dev/watchdog is linked: its parent is that of /dev/watchdog0
 *   (drivers/watchdog/watchdog_dev.c). Only the drivers below register it without a parent.
 * - NVMe multipath heads are below their subsystem, which core/pci/class_link.h resolves.
 */
#include "core/use/unlinked_nodes.h"
#include "core/base/util.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* A search for the nodes of one device. */
struct search {
	const struct sysfs *sysfs;
	char address[PCI_ADDRESS_SIZE], driver[64];
	size_t index;
	unlinked_node_fn *fn;
	void *arg;
};

/* Drivers that register a node of class misc without a parent. */
static const struct {
	const char *driver, *node;
} misc_nodes[] = {
	{"pcwd_pci", "watchdog"},    /* drivers/watchdog/pcwd_pci.c, pcipcwd_miscdev */
	{"pcwd_pci", "temperature"}, /* the same */
	{"wdt_pci", "watchdog"},     /* drivers/watchdog/wdt_pci.c, wdtpci_miscdev */
	{"ccp", "sev"}, /* drivers/crypto/ccp/sev-dev.c: what runs encrypted guests has it open */
};

/* Drivers whose nodes have neither a device in sysfs nor a sign of whose they are: each counts as
 * every device's of the driver. The major number is in /proc/devices, under this name. */
static const struct {
	const char *driver, *major, *node; /* node: below /dev, before the number */
	unsigned minors;
} major_nodes[] = {
	/* kernel-open/nvidia/linux_nvswitch.c; the fabric manager has all of them open. */
	{"nvidia-nvswitch", "nvidia-nvswitch", "nvidia-nvswitch", 64},
};

static int found(const struct search *s, unsigned major, unsigned minor, const char *prefix,
	const char *name)
{
	struct node_number node = {.type = S_IFCHR, .number = makedev(major, minor)};

	snprintf(node.name, sizeof(node.name), "/dev/%s%.24s", prefix, name);
	return s->fn(s->arg, &node, s->index);
}

/* NVIDIA's driver has no class in sysfs, a fixed major number, and tells the minor in proc
 * (kernel-open/nvidia/nv-procfs.c, "Device Minor"). */
static int find_nvidia(const struct search *s)
{
	enum { NVIDIA_MAJOR = 195 };
	char path[96], name[16], *line;
	unsigned minor;
	size_t len;

	snprintf(path, sizeof(path), "proc/driver/nvidia/gpus/%s/information", s->address);
	CLEANUP(free_cleanup) char *text = sysfs_slurp(s->sysfs->root_fd, path, 65536, &len);
	if (!text)
		return errno == ENOENT || errno == ENOTDIR ? 0 : errno;
	line = strstr(text, "Device Minor:");
	if (!line || sscanf(line, "Device Minor: %4u", &minor) != 1)
		return 0;
	snprintf(name, sizeof(name), "%u", minor);
	return found(s, NVIDIA_MAJOR, minor, "nvidia", name);
}

static int find_misc(const struct search *s, const char *node)
{
	char path[64], text[32];
	dev_t number;

	snprintf(path, sizeof(path), "sys/class/misc/%s/dev", node);
	ssize_t n = sysfs_read(s->sysfs->root_fd, path, text, sizeof(text));
	if (n < 0)
		return n == -ENOENT || n == -ENODEV ? 0 : (int)-n;
	return node_number_parse(text, &number) ? found(s, major(number), minor(number), "", node)
						: 0;
}

/* The number of a major by its name in /proc/devices; 0: there is none. */
static int find_major(const struct search *s, const char *name, unsigned *ret)
{
	char *save = NULL, word[64];
	size_t len;

	CLEANUP(free_cleanup)
	char *text = sysfs_slurp(s->sysfs->root_fd, "proc/devices", 1 << 20, &len);
	*ret = 0;
	if (!text)
		return errno == ENOENT ? 0 : errno;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		unsigned major;

		if (sscanf(line, "%9u %63s", &major, word) == 2 && strcmp(word, name) == 0)
			*ret = major;
	}
	return 0;
}

static int find_all_of_major(const struct search *s, size_t row)
{
	char name[16];
	unsigned major;
	int error = find_major(s, major_nodes[row].major, &major);

	for (unsigned i = 0; !error && major && i < major_nodes[row].minors; i++) {
		snprintf(name, sizeof(name), "%u", i);
		error = found(s, major, i, major_nodes[row].node, name);
	}
	return error;
}

/* Older versions of Habana's driver make nodes without a parent; an attribute beside them tells the
 * PCI device (drivers/misc/habanalabs, pci_addr). */
static int find_habana(const struct search *s)
{
	CLEANUP(dir_cleanup)
	DIR *dir = sysfs_opendir(s->sysfs->root_fd, "sys/class/habanalabs");
	char path[NAME_MAX + 16], text[32];
	dev_t number;
	int error = 0;

	if (!dir)
		return errno == ENOENT ? 0 : errno;
	for (struct dirent *entry; !error && (entry = sysfs_readdir(dir));) {
		snprintf(path, sizeof(path), "%s/pci_addr", entry->d_name);
		if (sysfs_read(dirfd(dir), path, text, sizeof(text)) <= 0 ||
			strcmp(text, s->address) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/dev", entry->d_name);
		if (sysfs_read(dirfd(dir), path, text, sizeof(text)) > 0 &&
			node_number_parse(text, &number))
			error = found(s, major(number), minor(number), "", entry->d_name);
	}
	return error;
}

int unlinked_nodes_find(const struct sysfs *sysfs, struct pci_address address, size_t index,
	unlinked_node_fn *fn, void *arg)
{
	struct search s = {.sysfs = sysfs, .index = index, .fn = fn, .arg = arg};
	char path[PCI_ADDRESS_SIZE + 40];

	pci_address_format(address, s.address);
	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/driver", s.address);
	sysfs_link_name(sysfs->root_fd, path, s.driver, sizeof(s.driver));
	int error = find_nvidia(&s);
	if (!error && strcmp(s.driver, "habanalabs") == 0)
		error = find_habana(&s);
	for (size_t i = 0; !error && i < ARRAY_SIZE(misc_nodes); i++) {
		if (strcmp(s.driver, misc_nodes[i].driver) == 0)
			error = find_misc(&s, misc_nodes[i].node);
	}
	for (size_t i = 0; !error && i < ARRAY_SIZE(major_nodes); i++) {
		if (strcmp(s.driver, major_nodes[i].driver) == 0)
			error = find_all_of_major(&s, i);
	}
	return error;
}
