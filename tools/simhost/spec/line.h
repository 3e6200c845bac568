/* SPDX-License-Identifier: MIT */
/* One line of a host file. */
#pragma once

#include "tools/simhost/base/words.h"
#include "tools/simhost/spec/reader.h"

/* Takes one line. False, with r->error, when it makes no sense. */
bool spec_line(struct reader *r, const struct words *words, const char *line);
