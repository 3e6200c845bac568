/* SPDX-License-Identifier: MIT */
/* One line of a host file: what a driver makes of a device. */
#pragma once

#include "tools/simhost/base/words.h"
#include "tools/simhost/spec/reader.h"

/* net NAME …, disk NAME …, chardev NAME …. False, with r->error, when it makes no sense. */
bool spec_line_child(struct reader *r, const struct words *words);
