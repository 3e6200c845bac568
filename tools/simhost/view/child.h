/* SPDX-License-Identifier: MIT */
/* What drivers make of devices: below their devices, by class, and below /dev. */
#pragma once

#include "tools/simhost/view/kind.h"

/* What drivers made, in the scene's folder: a device, /sys/devices/virtual, /dev, or below. */
void list_children(const struct scene *s, struct listing *out);
/* The buses that objects are on, beside the host's own: in /sys/bus. */
void list_buses(const struct scene *s, struct listing *out);
bool find_bus(const struct scene *s, const char *name, struct node *ret);

bool find_child(const struct scene *s, const char *name, struct node *ret);

/* Of the scene's child: its path (what went has none), whether a device is above it, and the links
 * and the attribute that all children have. */
char *path_child(const struct scene *s);
bool has_device(const struct scene *s);
void show_device_link(const struct scene *s, FILE *out);
void show_class_link(const struct scene *s, FILE *out);
void show_child_uevent(const struct scene *s, FILE *out);
