/* SPDX-License-Identifier: MIT */
/* The folders that are always the same. */
#pragma once

#include "tools/simhost/view/kind.h"

/* Whether VFIO is loaded, and has nodes for devices. */
bool has_vfio(const struct scene *s);
bool has_cdev(const struct scene *s);
