/* SPDX-License-Identifier: MIT */
/* The commands of the control file. */
#pragma once

#include "tools/simhost/model/model.h"

/* Whether there is a command of that name; host files may have them too. */
bool control_has(const char *name);

/* Runs one line. 0, or a negative errno and in *ret_why a sentence (the caller frees it). May wait
 * where the kernel does: vanish, load, unload. */
int control_run(struct model *m, const char *line, char **ret_why);
