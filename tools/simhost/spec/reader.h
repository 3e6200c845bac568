/* SPDX-License-Identifier: MIT */
/* What the lines of a host file share while they are read. */
#pragma once

#include "tools/simhost/base/table.h"
#include "tools/simhost/spec/names.h"
#include "tools/simhost/spec/spec.h"

struct reader {
	const char *name; /* of the file */
	unsigned line;
	char *error; /* the first; owned by whoever reads it */
	struct spec *spec;
	const struct spec_names *names; /* borrowed */
	struct table functions;		/* by address */
	struct table children;		/* by name */
	struct table drivers;		/* names, of those that devices name, too */
	size_t n_drivers;
	struct table numbers; /* of disks and nodes */
	struct table paths;   /* what place.c knows of them */
	unsigned next_number;
	uint64_t next_memory, next_memory64, next_io;
};

/* Sets where the regions of devices begin. */
void reader_start(struct reader *r);
void reader_clear(struct reader *r);

/* Notes the error, the first one only, with file and line before it. Returns false. */
__attribute__((format(printf, 2, 3))) bool reader_fail(struct reader *r, const char *format, ...);

/* Notes that there is a driver of that name; false when they are too many. */
bool reader_driver(struct reader *r, const char *name);

/* Whether the name may be that of a file. */
bool spec_name_is_safe(const char *name);

/* Whether a driver may have the name: blanks and any printable sign but those that end a path's
 * part or a quoted word. */
bool spec_driver_is_safe(const char *name);

/* Reads VENDOR:DEVICE, each four hex digits; with wild also *, which is SPEC_ANY. */
bool spec_ids(const char *text, bool wild, int64_t *ret_vendor, int64_t *ret_device);
