/* SPDX-License-Identifier: MIT */
/* Platform devices, as far as groups have them. */
#pragma once

#include "tools/simhost/view/kind.h"

bool has_members(const struct scene *s);

/* The platform devices of the scene's group. */
void list_group_members(const struct scene *s, struct listing *out);
bool find_group_member(const struct scene *s, const char *name, struct node *ret);
