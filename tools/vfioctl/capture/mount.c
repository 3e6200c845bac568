/* SPDX-License-Identifier: MIT */
/* What the host has mounted and swaps to, of the disks of a capture. */
#include "tools/vfioctl/capture/mount.h"
#include "tools/vfioctl/capture/text.h"

#include "core/base/util.h"

#include <string.h>

/* Where a host mounts its own; elsewhere a directory's name may be a user's or a customer's. */
static bool is_usual(const char *directory)
{
	static const char *const usual[] = {"/", "/boot", "/boot/efi", "/boot/firmware", "/efi",
		"/home", "/opt", "/root", "/srv", "/tmp", "/usr", "/usr/local", "/var",
		"/var/cache", "/var/lib", "/var/lib/docker", "/var/lib/libvirt",
		"/var/lib/libvirt/images", "/var/lib/vz", "/var/log", "/var/tmp"};

	for (size_t i = 0; i < ARRAY_SIZE(usual); i++) {
		if (strcmp(directory, usual[i]) == 0)
			return true;
	}
	return false;
}

/* The device's name when the source is a node of it: "nvme0n1p2" of "/dev/nvme0n1p2". */
static const char *node_name(const char *source)
{
	static const char FOLDER[] = "/dev/";

	return strncmp(source, FOLDER, strlen(FOLDER)) == 0 ? source + strlen(FOLDER) : "";
}

struct mount {
	char directory[1024], type[64];
};

/* The disk's first mount: by its number or, for file systems that number their own (btrfs), by its
 * node. */
static bool find_mount(const char *mounts, const struct capture_disk *disk, struct mount *ret)
{
	char line[4096], number[32], source[256];

	while (capture_line(&mounts, line, sizeof(line))) {
		char *tail = strstr(line, " - ");

		source[0] = '\0';
		if (!tail || sscanf(tail, " - %63s %255s", ret->type, source) < 1 ||
			sscanf(line, "%*d %*d %31s %*s %1023s", number, ret->directory) != 2)
			continue;
		if (strcmp(number, disk->number) == 0 || strcmp(node_name(source), disk->name) == 0)
			return true;
	}
	return false;
}

static bool is_swap(const char *swaps, const char *name)
{
	char line[512], source[256];

	while (capture_line(&swaps, line, sizeof(line))) {
		if (sscanf(line, "%255s", source) == 1 && strcmp(node_name(source), name) == 0)
			return true;
	}
	return false;
}

static void print_mount(struct capture *c, const struct capture_disk *disk,
	const struct mount *mount, unsigned *others)
{
	fprintf(c->out, "mount %s ", disk->label);
	if (is_usual(mount->directory))
		fputs(mount->directory, c->out);
	else
		fprintf(c->out, "/mnt/%u", ++*others);
	fprintf(c->out, " %s\n", capture_is_name(mount->type) ? mount->type : "ext4");
}

void capture_print_mounts(struct capture *c)
{
	/* The first process's, for ours may be in a mount namespace of its own; where only root may
	 * see those, ours. */
	CLEANUP(free_cleanup) char *mounts = capture_slurp(c, "proc/1/mountinfo");
	CLEANUP(free_cleanup) char *swaps = capture_slurp(c, "proc/swaps");
	struct mount mount;
	unsigned others = 0;

	if (!mounts)
		mounts = capture_slurp(c, "proc/self/mountinfo");
	if (!mounts && c->n_disks > 0)
		capture_note(c, "what is mounted could not be read: %m");
	for (size_t i = 0; i < c->n_disks; i++) {
		if (find_mount(mounts, &c->disks[i], &mount))
			print_mount(c, &c->disks[i], &mount, &others);
	}
	for (size_t i = 0; i < c->n_disks; i++) {
		if (is_swap(swaps, c->disks[i].name))
			fprintf(c->out, "swapon %s\n", c->disks[i].label);
	}
}
