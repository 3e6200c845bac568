/* SPDX-License-Identifier: MIT */
/* One line of a host file: devices and their virtual functions. */
#pragma once

#include "tools/simhost/base/words.h"
#include "tools/simhost/spec/reader.h"

/* device ADDRESS …, and vfs ADDRESS …. False, with r->error, when it makes no sense. */
bool spec_line_device(struct reader *r, const struct words *words);
bool spec_line_vfs(struct reader *r, const struct words *words);

/* What can only be said when all lines were read: bus numbers of bridges. */
bool reader_finish(struct reader *r);
