/* SPDX-License-Identifier: MIT */
/* Comma-separated settings. */
#pragma once

#include "core/base/fault.h"

/* Calls add for each entry of the text, blanks around it dropped, until one is negative, and
 * returns that, or 0. Text that is all blank has no entry. -ENOMEM when memory is short. */
int rest_list_each(const char *text, int (*add)(void *arg, char *entry, struct fault *fault),
	void *arg, struct fault *fault);
