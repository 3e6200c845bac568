/* SPDX-License-Identifier: MIT */
/* What the host itself uses: disks. */
#include "core/use/disk_use.h"
#include "core/base/util.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Undoes mountinfo's octal escapes (\040 for a blank) in place. */
static void disk_unescape(char *s)
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
	while (usage_next_line(&text, line, sizeof(line))) {
		char device[32], point[1024], source[256] = "";
		char *tail = strstr(line, " - ");

		if (!tail || sscanf(line, "%*d %*d %31s %*s %1023s", device, point) != 2)
			continue;
		sscanf(tail, " - %*s %255s", source);
		const char *base = strncmp(source, "/dev/", 5) == 0 ? source + 5 : "";
		if (strcmp(device, number) == 0 || strcmp(base, name) == 0) {
			disk_unescape(point);
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

	while (usage_next_line(&text, line, sizeof(line))) {
		if (sscanf(line, "%255s", source) == 1 && strncmp(source, "/dev/", 5) == 0 &&
			strcmp(source + 5, name) == 0)
			return true;
	}
	return false;
}

static bool disk_use(const struct usage *u, const char *name, int depth, char *how, size_t size);

/* Says how the disk is in use by one that is built upon it, mounted or not. */
static void use_above(const struct usage *u, const char *name, int depth, char *how, size_t size)
{
	char above[80] = "in use";

	disk_use(u, name, depth - 1, above, sizeof(above));
	snprintf(how, size, "part of %.63s (%s)", name, above);
}

/* Follows what holds the disk: md, device-mapper, bcache. */
static bool held_use(const struct usage *u, const char *name, int depth, char *how, size_t size)
{
	char path[128];

	snprintf(path, sizeof(path), "sys/class/block/%s/holders", name);
	CLEANUP(dir_cleanup) DIR *dir = sysfs_opendir(u->sysfs->root_fd, path);
	if (!dir && errno != ENOENT && errno != ENODEV) {
		snprintf(how, size, "perhaps part of another (%s)", strerror(errno));
		return true;
	}
	for (struct dirent *entry; dir && (entry = sysfs_readdir(dir));) {
		if (strlen(entry->d_name) > 63)
			continue;
		use_above(u, entry->d_name, depth, how, size);
		return true;
	}
	return false;
}

static bool looped_use(const struct usage *u, const char *name, int depth, char *how, size_t size)
{
	for (size_t i = 0; i < u->loops.count; i++) {
		if (strcmp(u->loops.items[i].below, name) != 0)
			continue;
		use_above(u, u->loops.items[i].name, depth, how, size);
		return true;
	}
	return false;
}

/* Says how the block device is in use, following what is built upon it. A holder alone is use: md,
 * device-mapper and bcache keep the disk open whether or not anything of theirs is mounted. */
static bool disk_use(const struct usage *u, const char *name, int depth, char *how, size_t size)
{
	if (find_mount(u, name, how, size))
		return true;
	if (find_swap(u, name)) {
		snprintf(how, size, "swapped on");
		return true;
	}
	return depth > 0 &&
	       (held_use(u, name, depth, how, size) || looped_use(u, name, depth, how, size));
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
				"unmount it, or stop what is built upon it, first: a disk that the host uses cannot be forced",
				"device %s carries disk %s%s, which is %s", text, disk->name,
				disk->chain, how),
			"%s %s", disk->name, how);
	}
}

bool usage_has_disk(const struct usage *usage, struct pci_address address)
{
	for (size_t i = 0; i < usage->disks.count; i++) {
		if (pci_address_equal(usage->disks.items[i].address, address))
			return true;
	}
	return false;
}
