/* SPDX-License-Identifier: MIT */
/* The nodes of a device's native driver. */
#include "core/use/native_nodes.h"
#include "core/base/clock.h"
#include "core/base/util.h"
#include "core/pci/class_link.h"
#include "core/pci/sysfs.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* Where a class of driver shows its devices, and where udev puts their nodes. */
static const struct {
	const char *folder; /* below the PCI device's */
	const char *prefix; /* of the entries that have a node */
	const char *where;
} places[] = {
	{"drm", "card", "/dev/dri/"},
	{"drm", "renderD", "/dev/dri/"},
	{"graphics", "fb", "/dev/"},
	{"accel", "accel", "/dev/accel/"},
	{"infiniband_verbs", "uverbs", "/dev/infiniband/"},
	{"nvme", "nvme", "/dev/"},
	{"uio", "uio", "/dev/"},
};

#define BLOCK "sys/class/block"

static void nodes_add(struct nodes *nodes, const char *where, const char *name)
{
	if (nodes->count < NODES_MAX && strlen(where) + strlen(name) < NODE_SIZE)
		snprintf(nodes->names[nodes->count++], NODE_SIZE, "%s%s", where, name);
	else
		nodes->is_incomplete = true;
}

/* Opens a folder that a device may lack. One that is there and cannot be read may have anything in
 * it. */
static DIR *open_folder(struct nodes *nodes, int dirfd, const char *folder)
{
	DIR *dir = sysfs_opendir(dirfd, folder);

	nodes->is_incomplete |= !dir && errno != ENOENT && errno != ENOTDIR && errno != ENODEV;
	return dir;
}

/* The names in a folder below dirfd that are a prefix and a number. */
static void add_folder(
	struct nodes *nodes, int dirfd, const char *folder, const char *prefix, const char *where)
{
	CLEANUP(dir_cleanup) DIR *dir = open_folder(nodes, dirfd, folder);
	size_t n = strlen(prefix);

	for (struct dirent *entry; dir && (entry = sysfs_readdir(dir));) {
		const char *rest = entry->d_name + n;
		if (strncmp(entry->d_name, prefix, n) == 0 && isdigit((unsigned char)*rest) &&
			rest[strspn(rest, "0123456789")] == '\0')
			nodes_add(nodes, where, entry->d_name);
	}
}

/* sound/card0/{controlC0,pcmC0D3p,…} */
static void add_sound(struct nodes *nodes, int device_fd)
{
	CLEANUP(dir_cleanup) DIR *cards = open_folder(nodes, device_fd, "sound");

	for (struct dirent *card; cards && (card = sysfs_readdir(cards));) {
		CLEANUP(dir_cleanup) DIR *dir = open_folder(nodes, dirfd(cards), card->d_name);

		for (struct dirent *entry; dir && (entry = sysfs_readdir(dir));) {
			if (strncmp(entry->d_name, "pcmC", 4) == 0 ||
				strncmp(entry->d_name, "controlC", 8) == 0 ||
				strncmp(entry->d_name, "hwC", 3) == 0)
				nodes_add(nodes, "/dev/snd/", entry->d_name);
		}
	}
}

/* usb3 beside the attributes: the bus's number, and with it the folder of its devices' nodes. */
static void add_usb(struct nodes *nodes, int dirfd)
{
	CLEANUP(dir_cleanup) DIR *dir = open_folder(nodes, dirfd, ".");
	unsigned bus;
	char name[16];

	for (struct dirent *entry; dir && (entry = sysfs_readdir(dir));) {
		if (sscanf(entry->d_name, "usb%3u", &bus) == 1) {
			snprintf(name, sizeof(name), "%03u/", bus);
			nodes_add(nodes, "/dev/bus/usb/", name);
		}
	}
}

/* NVIDIA's driver has no class in sysfs; it tells the node's number in proc. */
static void add_nvidia(struct nodes *nodes, int root_fd, const char *address)
{
	char path[96], name[32], *line;
	unsigned minor;
	size_t len;

	snprintf(path, sizeof(path), "proc/driver/nvidia/gpus/%s/information", address);
	CLEANUP(free_cleanup) char *text = sysfs_slurp(root_fd, path, 65536, &len);
	line = text ? strstr(text, "Device Minor:") : NULL;
	if (line && sscanf(line, "Device Minor: %4u", &minor) == 1) {
		snprintf(name, sizeof(name), "nvidia%u", minor);
		nodes_add(nodes, "/dev/", name);
	}
}

typedef int function_test(void *arg, struct pci_address address);

static int is_any(void *arg, struct pci_address address)
{
	(void)arg;
	(void)address;
	return 1;
}

static int is_same(void *arg, struct pci_address address)
{
	return pci_address_equal(*(const struct pci_address *)arg, address);
}

static void replace_char(char *text, char from, char to)
{
	for (; *text; text++) {
		if (*text == from)
			*text = to;
	}
}

/* Reads on to a disk or partition behind one of the functions, whatever the device's class: it may
 * be behind a USB host or a fibre. Its name as in /dev, which may have a slash for sysfs's
 * exclamation mark; NULL at the end. */
static const char *next_disk(DIR *dir, int root_fd, function_test *test, void *arg)
{
	for (struct dirent *entry; (entry = sysfs_readdir(dir));) {
		char target[PATH_MAX];
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		if (n < 0)
			continue;
		target[n] = '\0';
		if (class_link_functions(root_fd, target, test, arg)) {
			replace_char(entry->d_name, '!', '/');
			return entry->d_name;
		}
	}
	return NULL;
}

static void add_disks(struct nodes *nodes, int root_fd, struct pci_address address)
{
	CLEANUP(dir_cleanup) DIR *dir = open_folder(nodes, root_fd, BLOCK);

	nodes->first_disk = nodes->count;
	for (const char *name; dir && (name = next_disk(dir, root_fd, is_same, &address));)
		nodes_add(nodes, "/dev/", name);
}

void nodes_find(int root_fd, struct pci_address address, struct nodes *ret)
{
	char text[PCI_ADDRESS_SIZE], path[PCI_ADDRESS_SIZE + 32];

	ret->count = ret->first_disk = 0;
	ret->is_incomplete = false;
	pci_address_format(address, text);
	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s", text);
	CLEANUP(dir_cleanup) DIR *device = open_folder(ret, root_fd, path);
	if (!device)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		add_folder(ret, dirfd(device), places[i].folder, places[i].prefix, places[i].where);
	add_sound(ret, dirfd(device));
	add_usb(ret, dirfd(device));
	add_nvidia(ret, root_fd, text);
	add_disks(ret, root_fd, address);
}

bool nodes_any(int root_fd, struct pci_address address)
{
	struct nodes nodes;

	nodes_find(root_fd, address, &nodes);
	return nodes.count > 0 || nodes.is_incomplete;
}

/* The number that the disk's node must have. 0 or a negative errno; -ENOENT or -ENODEV: the disk
 * has gone, or is one without a node, such as a path of a multipath NVMe. */
static int disk_number(int root_fd, const char *node, dev_t *ret)
{
	char name[NAME_MAX + 1], path[NAME_MAX + 32], text[32];
	unsigned first, second;

	snprintf(name, sizeof(name), "%s", node + strlen("/dev/"));
	replace_char(name, '/', '!');
	snprintf(path, sizeof(path), BLOCK "/%s/dev", name);
	ssize_t n = sysfs_read(root_fd, path, text, sizeof(text));
	if (n < 0)
		return (int)n;
	if (sscanf(text, "%10u:%10u", &first, &second) != 2)
		return -EINVAL;
	*ret = makedev(first, second);
	return 0;
}

/* Opens the disk's node, and closes it. 0 or errno. */
static int disk_try(int root_fd, const char *node, int flags)
{
	struct stat status;
	dev_t number = 0;
	int error = -disk_number(root_fd, node, &number);

	if (error)
		return error == ENOENT || error == ENODEV ? 0 : error;
	if (fstatat(root_fd, node + 1, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno;
	if (!S_ISBLK(status.st_mode))
		return ENOTBLK;
	if (status.st_rdev != number)
		return ENXIO;
	CLEANUP(fd_cleanup)
	int fd = openat(root_fd, node + 1, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | flags);
	return fd < 0 ? errno : 0;
}

/* Whether the disk is somebody's own: errno EBUSY. Another look at it makes it so for an instant.
 */
static int disk_claim(int root_fd, const char *node)
{
	const struct timespec pause = {.tv_nsec = NS_PER_MS};
	int error = EBUSY;

	for (int tries = 0; error == EBUSY && tries < 4; tries++) {
		if (tries > 0)
			nanosleep(&pause, NULL);
		error = disk_try(root_fd, node, O_EXCL);
	}
	return error;
}

/* Keeps the first disk that could not be opened. An empty card reader has nothing that could be in
 * use. */
static void note_error(
	const struct sysfs *sysfs, const char *node, int error, struct blind_spot *blind)
{
	bool is_ours = error == EMFILE || error == ENFILE || error == ENOMEM;

	if (blind->error || error == 0 || error == EBUSY || error == ENOMEDIUM ||
		(!sysfs->is_real && !is_ours))
		return;
	blind->error = error;
	snprintf(blind->node, sizeof(blind->node), "%s", node);
}

bool nodes_claimed(
	const struct sysfs *sysfs, const struct nodes *nodes, struct blind_spot *ret_blind)
{
	bool claimed = false;

	*ret_blind = (struct blind_spot){0};
	for (size_t i = nodes->first_disk; i < nodes->count; i++) {
		int error = disk_claim(sysfs->root_fd, nodes->names[i]);

		claimed |= error == EBUSY;
		note_error(sysfs, nodes->names[i], error, ret_blind);
	}
	return claimed;
}

void nodes_find_blind(const struct sysfs *sysfs, struct blind_spot *ret)
{
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(sysfs->root_fd, BLOCK);
	char node[NAME_MAX + 8];

	*ret = (struct blind_spot){0};
	if (!dir && errno != ENOENT)
		note_error(sysfs, "/" BLOCK, errno, ret);
	for (const char *name; dir && (name = next_disk(dir, sysfs->root_fd, is_any, NULL));) {
		snprintf(node, sizeof(node), "/dev/%s", name);
		note_error(sysfs, node, disk_try(sysfs->root_fd, node, 0), ret);
	}
}

bool nodes_match(const struct nodes *nodes, const char *path)
{
	for (size_t i = 0; i < nodes->count; i++) {
		const char *name = nodes->names[i];
		size_t n = strlen(name);

		if (name[n - 1] == '/' ? strncmp(path, name, n) == 0 : strcmp(path, name) == 0)
			return true;
	}
	return false;
}

bool nodes_show_console(int root_fd)
{
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(root_fd, "sys/class/vtconsole");
	char path[NAME_MAX + 8], text[64];

	for (struct dirent *entry; dir && (entry = sysfs_readdir(dir));) {
		snprintf(path, sizeof(path), "%s/name", entry->d_name);
		if (sysfs_read(dirfd(dir), path, text, sizeof(text)) <= 0 ||
			!strstr(text, "frame buffer"))
			continue;
		snprintf(path, sizeof(path), "%s/bind", entry->d_name);
		if (sysfs_read(dirfd(dir), path, text, sizeof(text)) > 0 && text[0] == '1')
			return true;
	}
	return false;
}
