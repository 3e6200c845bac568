/* SPDX-License-Identifier: MIT */
/* The process of the privileged helper. */
#pragma once

#include "core/helper/helper.h"

/* Serves commands from the channels, changes first, until main closes one. To be called in a child
 * of main. Closes all descriptors but its own and stdio. Returns the exit status. */
int helper_serve(const int channels[2], const struct helper_config *config);
