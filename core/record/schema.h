/* SPDX-License-Identifier: MIT */
/* The versions of the database, and how each becomes the next. */
#pragma once

#include "core/pci/boot.h"

enum { SCHEMA_VERSION = 4 };

/* The statements that take a database from that version to the next, without BEGIN and COMMIT. The
 * caller frees them; NULL when memory is short.
 *
 * Versions before 4 do not say of which boot a record is. written is when the database was last
 * written to (seconds since 1970). If that was before this boot, its records end. Otherwise they
 * count as this boot's, of a binding that is not known (inode 0), which is for core/change to
 * find out. An intent has a time of its own. */
char *schema_step(int version, const struct boot *boot, int64_t written);
