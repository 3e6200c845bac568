/* SPDX-License-Identifier: MIT */
/* Parses the owner and mode of VFIO nodes from a request. */
#pragma once

#include "core/error.h"
#include "core/helper/helper.h"

/* Parses owner ("USER", "USER:GROUP", ":GROUP", names or numbers) and mode (octal, 0660 at most);
 * "" leaves either as it is. Looks names up in the host's user database, which may block. 0, or
 * CORE_INVALID naming the field. */
int device_parse_access(
	const char *owner, const char *mode, struct node_access *ret, struct core_error *err);
