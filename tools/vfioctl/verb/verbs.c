/* SPDX-License-Identifier: MIT */
/* The verbs of vfioctl. */
#include "tools/vfioctl/verb/verbs.h"

#include <stddef.h>

const struct verb *const verbs[] = {
	&verb_list,
	&verb_info,
	&verb_validate,
	&verb_groups,
	&verb_bind,
	&verb_unbind,
	&verb_paths,
	&verb_doctor,
	&verb_health,
	&verb_capture,
	&verb_version,
	&verb_help,
	NULL,
};
