/* SPDX-License-Identifier: MIT */
/* The network interfaces of a capture: those of devices, and what is stacked upon them. */
#pragma once

#include "tools/vfioctl/capture/parts.h"

int capture_read_nets(struct capture *c);
void capture_print_nets(struct capture *c);

/* Prints path=, where the path below the device is not the usual one. */
void capture_print_path(struct capture *c, const char *path, const char *usual, const char *label);
