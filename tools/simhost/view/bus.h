/* SPDX-License-Identifier: MIT */
/* /sys/bus/pci and the tree of devices. */
#pragma once

#include "tools/simhost/view/kind.h"

/* Prints the device's path, for links that lead there. */
void show_device_path(const struct scene *s, FILE *out);
