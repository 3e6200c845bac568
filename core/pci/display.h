/* SPDX-License-Identifier: MIT */
/*
 * Whether a device is the display of the host.
 *
 * A display that is no VGA controller (class 0380, say) has no attribute boot_vga. Newer kernels
 * have boot_display instead, of the device or of its DRM card
 * (Documentation/ABI/testing/sysfs-bus-pci, sysfs-class-drm). Until a native driver takes over, the
 * kernel draws into a frame buffer that the firmware set up in the memory of a device, although no
 * driver has that (drivers/firmware/sysfb.c). It shows in /proc/iomem within the device's region,
 * and from Linux 6.9 on as a device below the PCI device.
 */
#pragma once

#include "core/pci/device.h"

enum display {
	DISPLAY_NONE,
	DISPLAY_BOOT,	      /* the firmware started on it */
	DISPLAY_FRAME_BUFFER, /* it has the frame buffer that the firmware set up */
	DISPLAY_UNKNOWN,      /* it may be one: what would tell cannot be read */
};

/* Looks. Does not find a console that a native driver shows; core/use/native_nodes.h does. */
enum display display_of(const struct devices *devices, const struct device *device);

/* Whether /proc/iomem, the text, has the firmware's frame buffer within a region of the device. */
bool display_in_iomem(const char *text, struct pci_address address);
