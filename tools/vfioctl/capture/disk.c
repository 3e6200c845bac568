/* SPDX-License-Identifier: MIT */
/* The disks of a capture: those of devices, and what is built upon them. */
#include "tools/vfioctl/capture/disk.h"
#include "core/base/array.h"
#include "tools/vfioctl/capture/device.h"
#include "tools/vfioctl/capture/net.h"
#include "tools/vfioctl/capture/text.h"

#include "core/base/util.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const char CLASS[] = "sys/class/block";

static int compare_disks(const void *a, const void *b)
{
	return strcmp(
		((const struct capture_disk *)a)->name, ((const struct capture_disk *)b)->name);
}

static struct capture_disk *find_disk(const struct capture *c, const char *name)
{
	for (size_t i = 0; i < c->n_disks; i++) {
		if (strcmp(c->disks[i].name, name) == 0)
			return &c->disks[i];
	}
	return NULL;
}

static struct capture_disk *add_disk(struct capture *c, const char *name)
{
	struct capture_disk *disk = ARRAY_ADD(c->disks, c->n_disks);
	char path[128];

	if (!disk)
		return NULL;
	*disk = (struct capture_disk){0};
	snprintf(disk->name, sizeof(disk->name), "%s", name);
	snprintf(path, sizeof(path), "%s/%s/dev", CLASS, name);
	if (sysfs_read(c->sysfs.root_fd, path, disk->number, sizeof(disk->number)) < 0)
		disk->number[0] = '\0';
	return disk;
}

/* With native multipath an NVMe namespace hangs on its subsystem, whose links lead to its
 * controllers. The first that is captured has it here. */
static const struct capture_device *nvme_controller(const struct capture *c, const char *target)
{
	static const char FOLDER[] = "/nvme-subsystem/";
	const struct capture_device *first = NULL;
	const char *subsystem = strstr(target, FOLDER);
	char path[128], controller[PATH_MAX];

	if (!subsystem)
		return NULL;
	subsystem += strlen(FOLDER);
	snprintf(path, sizeof(path), "sys/devices/virtual/nvme-subsystem/%.*s",
		(int)strcspn(subsystem, "/"), subsystem);
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(c->sysfs.root_fd, path);
	for (struct dirent *entry; dir && (entry = sysfs_readdir(dir));) {
		const char *below;
		ssize_t n =
			readlinkat(dirfd(dir), entry->d_name, controller, sizeof(controller) - 1);
		if (n < 0)
			continue;
		controller[n] = '\0';
		const struct capture_device *d = capture_device_above(c, controller, &below);
		if (capture_has_children(d) && (!first || d < first))
			first = d;
	}
	return first;
}

/* The folder that the thing's own is in: of a partition, its disk. */
static void read_folder(struct capture_disk *disk, const char *target)
{
	const char *own = strrchr(target, '/');
	const char *folder = own;

	while (folder && folder > target && folder[-1] != '/')
		folder--;
	if (folder && own && (size_t)(own - folder) < sizeof(disk->on))
		snprintf(disk->on, sizeof(disk->on), "%.*s", (int)(own - folder), folder);
}

/* One of several ways to a disk, which nobody can open by itself, has no device number. */
static bool is_hidden(const struct capture *c, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s/dev", CLASS, name);
	return !sysfs_exists(c->sysfs.root_fd, path);
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
	const struct capture_device *shared = d ? NULL : nvme_controller(c, target);
	if (!capture_has_children(d ? d : shared) || is_hidden(c, name))
		return 0;
	struct capture_disk *disk = add_disk(c, name);
	if (!disk)
		return -1;
	disk->device = d ? d : shared;
	read_folder(disk, target);
	if (d && strlen(below) < sizeof(disk->path))
		snprintf(disk->path, sizeof(disk->path), "%s", below);
	return 0;
}

static DIR *open_holders(const struct capture *c, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s/holders", CLASS, name);
	return sysfs_opendir(c->sysfs.root_fd, path);
}

/* The list grows while it is gone through: what is built upon what is built upon a disk follows. */
static int read_holders(struct capture *c)
{
	enum { MAX_DISKS = 65536 };

	for (size_t i = 0; i < c->n_disks && c->n_disks < MAX_DISKS; i++) {
		CLEANUP(dir_cleanup) DIR *dir = open_holders(c, c->disks[i].name);

		for (struct dirent *entry; dir && (entry = sysfs_readdir(dir));) {
			if (strlen(entry->d_name) < CAPTURE_NAME_SIZE &&
				!find_disk(c, entry->d_name) && !add_disk(c, entry->d_name))
				return -1;
		}
	}
	return 0;
}

int capture_read_disks(struct capture *c)
{
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(c->sysfs.root_fd, CLASS);

	for (struct dirent *entry; dir && (entry = sysfs_readdir(dir));) {
		if (read_entry(c, dirfd(dir), entry->d_name) < 0)
			return -1;
	}
	if (read_holders(c) < 0)
		return -1;
	if (c->n_disks > 0)
		qsort(c->disks, c->n_disks, sizeof(*c->disks), compare_disks);
	for (size_t i = 0; i < c->n_disks; i++) {
		unsigned number = (unsigned)i;
		do
			capture_label(c->disks[i].name, "disk", number++, c->disks[i].label);
		while (strcmp(c->disks[i].label, c->disks[i].name) != 0 &&
			find_disk(c, c->disks[i].label));
	}
	return 0;
}

/* --- printing ------------------------------------------------------------------------------------
 */

static int compare_labels(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void print_holders(struct capture *c, const struct capture_disk *disk)
{
	enum { MAX_HOLDERS = 64 };
	CLEANUP(dir_cleanup) DIR *dir = open_holders(c, disk->name);
	const char *labels[MAX_HOLDERS];
	size_t n = 0;

	for (struct dirent *entry; dir && n < MAX_HOLDERS && (entry = sysfs_readdir(dir));) {
		const struct capture_disk *holder = find_disk(c, entry->d_name);
		if (holder)
			labels[n++] = holder->label;
	}
	if (n > 0)
		qsort(labels, n, sizeof(labels[0]), compare_labels);
	for (size_t i = 0; i < n; i++)
		fprintf(c->out, "%s%s", i == 0 ? " holders=" : ",", labels[i]);
}

static void print_place(struct capture *c, const struct capture_disk *disk)
{
	const struct capture_disk *on = find_disk(c, disk->on);
	char usual[CAPTURE_NAME_SIZE * 2];
	unsigned controller;

	if (on) {
		fprintf(c->out, " on=%s", on->label);
		return;
	}
	if (disk->device)
		fprintf(c->out, " device=%s", disk->device->device->text);
	if (sscanf(disk->name, "nvme%un", &controller) == 1)
		snprintf(usual, sizeof(usual), "nvme/nvme%u/%s", controller, disk->name);
	else
		snprintf(usual, sizeof(usual), "block/%s", disk->name);
	capture_print_path(c, disk->path, usual, disk->label);
}

static bool is_number(const char *number)
{
	return number[0] && number[strspn(number, "0123456789:")] == '\0';
}

/* What udev found on the disk: of its file, the type alone. */
static void print_file_system(struct capture *c, const struct capture_disk *disk)
{
	static const char KEY[] = "E:ID_FS_TYPE=";
	char path[64], line[256];

	snprintf(path, sizeof(path), "run/udev/data/b%s", disk->number);
	CLEANUP(free_cleanup) char *text = is_number(disk->number) ? capture_slurp(c, path) : NULL;
	const char *at = text;
	while (capture_line(&at, line, sizeof(line))) {
		if (strncmp(line, KEY, strlen(KEY)) == 0 && capture_is_name(line + strlen(KEY)))
			fprintf(c->out, " fs=%s", line + strlen(KEY));
	}
}

static void print_disk(struct capture *c, const struct capture_disk *disk)
{
	enum { USUAL_SECTORS = 32768 };
	uint64_t size = USUAL_SECTORS;
	char path[128];

	fprintf(c->out, "disk %s", disk->label);
	print_place(c, disk);
	if (is_number(disk->number))
		fprintf(c->out, " number=%s", disk->number);
	snprintf(path, sizeof(path), "%s/%s/size", CLASS, disk->name);
	if (sysfs_read_u64(c->sysfs.root_fd, path, &size) == 0 && size != USUAL_SECTORS)
		fprintf(c->out, " size=%" PRIu64, size);
	print_holders(c, disk);
	print_file_system(c, disk);
	fputc('\n', c->out);
}

void capture_print_disks(struct capture *c)
{
	for (size_t i = 0; i < c->n_disks; i++)
		print_disk(c, &c->disks[i]);
}
