/* SPDX-License-Identifier: MIT */
/* Which processes have VFIO files, or a device's other nodes, open or mapped. */
#include "core/holders.h"
#include "core/util.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static struct hand_holder *add(struct hand_reply *reply, const struct hand_holder *process,
	enum hand_hold hold, int32_t id)
{
	if (reply->n_holders == HAND_MAX_HOLDERS) {
		reply->truncated = 1;
		return NULL;
	}
	struct hand_holder *h = &reply->holders[reply->n_holders++];
	*h = *process;
	h->hold = hold;
	h->id = id;
	return h;
}

static bool number_after(const char *text, const char *prefix, int32_t *ret)
{
	size_t n = strlen(prefix);
	char *end;

	if (strncmp(text, prefix, n) != 0 || !isdigit((unsigned char)text[n]))
		return false;
	unsigned long value = strtoul(text + n, &end, 10);
	*ret = (int32_t)value;
	return (*end == '\0' || *end == ' ') && value <= INT32_MAX;
}

/* Newer kernels name the device of an anonymous VFIO file in its fdinfo. */
static void find_address(int proc_fd, const char *fd_name, struct hand_holder *h)
{
	char path[64], *save = NULL;
	size_t len;

	snprintf(path, sizeof(path), "fdinfo/%.20s", fd_name);
	CLEANUP(free_cleanup) char *text = sysfs_slurp(proc_fd, path, 65536, &len);
	for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line;
		line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, "vfio-device-syspath:", 20) != 0)
			continue;
		const char *slash = strrchr(line, '/');
		h->has_address = slash && pci_address_parse(slash + 1, &h->address);
	}
}

/* A process may have a node open many times over. */
static bool has_node(const struct hand_reply *reply, int32_t pid, const char *node)
{
	for (uint32_t i = 0; i < reply->n_holders; i++) {
		if (reply->holders[i].pid == pid && strcmp(reply->holders[i].node, node) == 0)
			return true;
	}
	return false;
}

static void scan_nodes(int proc_fd, const struct hand_holder *process, const struct nodes *nodes,
	struct hand_reply *reply)
{
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(proc_fd, "fd");

	for (struct dirent *entry; dir && (entry = sysfs_readdir(dir));) {
		char target[NODE_SIZE];
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		if (n < 0)
			continue;
		target[n] = '\0';
		if (!nodes_match(nodes, target) || has_node(reply, process->pid, target))
			continue;
		struct hand_holder *h = add(reply, process, HOLD_NODE, -1);
		if (h)
			memcpy(h->node, target, sizeof(target));
	}
}

static void scan_files(int proc_fd, const struct hand_holder *process, struct hand_reply *reply)
{
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(proc_fd, "fd");
	int32_t id;

	for (struct dirent *entry; dir && (entry = sysfs_readdir(dir));) {
		char target[PATH_MAX];
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		if (n < 0)
			continue;
		target[n] = '\0';
		if (number_after(target, "/dev/vfio/devices/vfio", &id)) {
			add(reply, process, HOLD_DEVICE, id);
		} else if (number_after(target, "/dev/vfio/", &id) ||
			   number_after(target, "/dev/vfio/noiommu-", &id)) {
			add(reply, process, HOLD_GROUP, id);
		} else if (strncmp(target, "anon_inode:[vfio-device]", 24) == 0) {
			struct hand_holder *h = add(reply, process, HOLD_FILE, -1);
			if (h)
				find_address(proc_fd, entry->d_name, h);
		}
	}
}

/* A device has a mapping for each of its regions. */
static bool is_listed(const struct hand_reply *reply, int32_t pid, enum hand_hold hold, int32_t id)
{
	for (uint32_t i = 0; i < reply->n_holders; i++) {
		const struct hand_holder *h = &reply->holders[i];
		if (h->pid == pid && h->hold == hold && h->id == id)
			return true;
	}
	return false;
}

static void scan_maps(int proc_fd, const struct hand_holder *process, struct hand_reply *reply)
{
	size_t len;
	CLEANUP(free_cleanup) char *maps = sysfs_slurp(proc_fd, "maps", 64 << 20, &len);
	const char *at = maps;
	int32_t id;

	if (maps && strstr(maps, "anon_inode:[vfio-device]"))
		add(reply, process, HOLD_MAPPING, -1);
	while (at && (at = strstr(at, "/dev/vfio/devices/vfio"))) {
		if (sscanf(at, "/dev/vfio/devices/vfio%d", &id) == 1 &&
			!is_listed(reply, process->pid, HOLD_DEVICE, id))
			add(reply, process, HOLD_DEVICE, id);
		at++;
	}
}

static void scan_process(
	DIR *proc, const char *name, const struct nodes *nodes, struct hand_reply *reply)
{
	struct hand_holder process = {.pid = (int32_t)strtol(name, NULL, 10), .id = -1};
	CLEANUP(fd_cleanup)
	int fd = openat(dirfd(proc), name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	char command[64];
	if (sysfs_read(fd, "comm", command, sizeof(command)) < 0)
		return; /* ended meanwhile */
	snprintf(process.command, sizeof(process.command), "%.15s", command);
	if (nodes) {
		scan_nodes(fd, &process, nodes, reply);
		return;
	}
	scan_files(fd, &process, reply);
	scan_maps(fd, &process, reply);
}

int holders_scan(const struct sysfs *sysfs, const struct nodes *nodes, struct hand_reply *reply)
{
	CLEANUP(dir_cleanup) DIR *proc = sysfs_opendir(sysfs->root_fd, "proc");

	if (!proc)
		return errno == ENOENT ? 0 : errno;
	for (struct dirent *entry; (entry = sysfs_readdir(proc));) {
		if (isdigit((unsigned char)entry->d_name[0]))
			scan_process(proc, entry->d_name, nodes, reply);
	}
	return 0;
}
