/* SPDX-License-Identifier: MIT */
/* Is a device the display of the host? */
#include "core/pci/display.h"
#include "core/base/util.h"
#include "core/pci/device_table.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { IOMEM_MAX = 16 << 20, IOMEM_DEPTH = 32 };

/* Opens a folder of the device, or its own for NULL. */
static DIR *open_folder(
	const struct devices *devices, const struct device *device, const char *folder)
{
	char path[PCI_ADDRESS_SIZE + 32];

	snprintf(path, sizeof(path), "%s/%s", device->text, folder ? folder : "");
	return sysfs_opendir(devices->sysfs->devices_fd, path);
}

static bool is_set(int dirfd, const char *path)
{
	char text[8];

	return sysfs_read(dirfd, path, text, sizeof(text)) > 0 && text[0] == '1';
}

static bool is_boot_display(const struct devices *devices, const struct device *device)
{
	char text[8], path[NAME_MAX + 16];

	if (device->boot_vga ||
		(device_read(devices, device, "boot_display", text, sizeof(text)) > 0 &&
			text[0] == '1'))
		return true;
	CLEANUP(dir_cleanup) DIR *cards = open_folder(devices, device, "drm");
	for (struct dirent *entry; cards && (entry = sysfs_readdir(cards));) {
		snprintf(path, sizeof(path), "%s/boot_display", entry->d_name);
		if (is_set(dirfd(cards), path))
			return true;
	}
	return false;
}

/* Whether the firmware's frame buffer is a device below this one. */
static bool has_platform_buffer(const struct devices *devices, const struct device *device)
{
	static const char *const prefixes[] = {
		"simple-framebuffer.", "efi-framebuffer.", "vesa-framebuffer."};
	CLEANUP(dir_cleanup) DIR *dir = open_folder(devices, device, NULL);

	for (struct dirent *entry; dir && (entry = sysfs_readdir(dir));) {
		for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
			if (strncmp(entry->d_name, prefixes[i], strlen(prefixes[i])) == 0)
				return true;
		}
	}
	return false;
}

/* A line of /proc/iomem: two blanks for each level, then "START-END : NAME". Who has no rights
 * reads zeros for the addresses. */
struct iomem_line {
	size_t depth;
	uint64_t start, end;
	const char *name;
};

static bool parse_line(const char *line, struct iomem_line *ret)
{
	size_t blanks = strspn(line, " ");
	const char *name = strstr(line, " : ");

	if (!name || sscanf(line + blanks, "%" SCNx64 "-%" SCNx64, &ret->start, &ret->end) != 2)
		return false;
	ret->depth = blanks / 2;
	ret->name = name + strlen(" : ");
	return ret->depth < IOMEM_DEPTH;
}

static bool is_buffer(const char *name)
{
	static const char *const names[] = {"BOOTFB", "efifb", "vesafb", "simplefb"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

static bool is_named(const char *name, struct pci_address address)
{
	struct pci_address other;

	return pci_address_parse(name, &other) && pci_address_equal(other, address);
}

bool display_in_iomem(const char *text, struct pci_address address)
{
	bool within[IOMEM_DEPTH] = {
		false}; /* per level: whether its last line is in the device's */
	char buf[128];

	for (const char *s = text; *s;) {
		struct iomem_line line;
		size_t len = strcspn(s, "\n");

		snprintf(buf, sizeof(buf), "%.*s", (int)len, s);
		s += len + (s[len] == '\n');
		if (!parse_line(buf, &line))
			continue;
		bool above = line.depth > 0 && within[line.depth - 1];
		if (above && is_buffer(line.name))
			return true;
		within[line.depth] = above || is_named(line.name, address);
	}
	return false;
}

/* Displays, and the VGA controllers that are older than classes. */
static bool may_display(const struct device *d)
{
	return d->class >> 16 == 0x03 || d->class >> 8 == 0x0001;
}

enum display display_of(const struct devices *devices, const struct device *device)
{
	size_t len;

	if (is_boot_display(devices, device))
		return DISPLAY_BOOT;
	if (has_platform_buffer(devices, device))
		return DISPLAY_FRAME_BUFFER;
	if (!may_display(device) || device_is_vfio(devices, device))
		return DISPLAY_NONE;
	CLEANUP(free_cleanup)
	char *text = sysfs_slurp(devices->sysfs->root_fd, "proc/iomem", IOMEM_MAX, &len);
	if (!text)
		return errno == ENOENT ? DISPLAY_NONE : DISPLAY_UNKNOWN;
	return display_in_iomem(text, device->address) ? DISPLAY_FRAME_BUFFER : DISPLAY_NONE;
}
