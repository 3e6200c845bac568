/* SPDX-License-Identifier: MIT */
/* The PCI functions of a capture, as they are read. */
#pragma once

#include "tools/vfioctl/capture/parts.h"

/* 0, or a negative errno: the folder of the devices cannot be read. */
int capture_read_devices(struct capture *c);
int capture_read_overrides(struct capture *c);

struct capture_device *capture_device_at(const struct capture *c, struct pci_address address);

/* Reads an attribute of a device into buf, "" when it has none. Its length, or a negative errno. */
ssize_t capture_attribute(const struct capture *c, const struct capture_device *d, const char *name,
	char *buf, size_t size);

/* The same for one that is a number. */
unsigned capture_number(const struct capture *c, const struct capture_device *d, const char *name,
	unsigned otherwise);

/* Whether it is a bridge to another bus, by its header. */
bool capture_is_bridge(const struct capture_device *d);

/* The device that a path of the device tree is below, with the rest of the path in *ret_below:
 * "net/eth0". NULL when it is below none. */
struct capture_device *capture_device_above(
	const struct capture *c, const char *path, const char **ret_below);

/* Whether interfaces and disks of the device show in the file: it is there, on a driver of its own.
 */
bool capture_has_children(const struct capture_device *d);
