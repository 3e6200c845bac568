/* SPDX-License-Identifier: MIT */
/* Configuration space, as much of it as tells what a device is. */
#pragma once

#include "tools/simhost/model/model.h"

#include <stdio.h>

/* Prints the device's configuration space, bytes. */
void config_print(const struct device *d, FILE *out);
