/* SPDX-License-Identifier: MIT */
/* What the tool says of itself. */
#pragma once

#include "tools/vfioctl/session/verb.h"

#include <stdio.h>

/* Every verb in a line, the options all have, and the exit codes. */
void help_all(FILE *out, const struct verb *const *verbs);

/* One verb: usage, what it does, its options. */
void help_verb(FILE *out, const struct verb *verb);

/* The tool's name and version. */
void help_version(FILE *out);
