/* SPDX-License-Identifier: MIT */
/* A device's folder: its attributes. */
#pragma once

#include "tools/simhost/view/kind.h"

/* Attributes of a device and of its power/. */
extern const struct entry entries_device[], entries_power[];
