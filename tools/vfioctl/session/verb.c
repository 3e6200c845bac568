/* SPDX-License-Identifier: MIT */
/* What a verb of vfioctl is. */
#include "tools/vfioctl/session/verb.h"

#include <string.h>

const struct verb *verb_find(const struct verb *const *verbs, const char *name)
{
	for (const struct verb *const *verb = verbs; *verb; verb++)
		if (strcmp((*verb)->name, name) == 0)
			return *verb;
	return NULL;
}
