/* SPDX-License-Identifier: MIT */
/* One line of a host file. */
#pragma once

#include "tools/simhost/base/table.h"
#include "tools/simhost/base/words.h"
#include "tools/simhost/spec/spec.h"

struct reader {
	const char *name; /* of the file */
	unsigned line;
	char *error; /* the first; owned by whoever reads it */
	struct spec *spec;
	struct table functions; /* by address */
	struct table children;	/* by name */
	struct table drivers;	/* names, of those that devices name, too */
	size_t n_drivers;
	struct table numbers; /* of disks and nodes */
	struct table paths;   /* what place.c knows of them */
	unsigned next_number;
	uint64_t next_memory, next_memory64, next_io;
};

/* Sets where the regions of devices begin. */
void reader_start(struct reader *r);
void reader_clear(struct reader *r);

/* Takes one line. False, with r->error, when it makes no sense. */
bool spec_line(struct reader *r, const struct words *words, const char *line);

/* What can only be said when all lines were read: bus numbers of bridges. */
bool reader_finish(struct reader *r);

/* Notes the error, the first one only, with file and line before it. Returns false. */
__attribute__((format(printf, 2, 3))) bool reader_fail(struct reader *r, const char *format, ...);

/* device ADDRESS …, and vfs ADDRESS …, which are in a file of their own. */
bool spec_line_device(struct reader *r, const struct words *words);
bool spec_line_vfs(struct reader *r, const struct words *words);

/* net NAME …, disk NAME …, chardev NAME …, likewise. */
bool spec_line_child(struct reader *r, const struct words *words);

/* Notes that there is a driver of that name; false when they are too many. */
bool reader_driver(struct reader *r, const char *name);

/* Whether the name may be that of a file. */
bool spec_name_is_safe(const char *name);

/* Reads VENDOR:DEVICE, each four hex digits; with wild also *, which is SPEC_ANY. */
bool spec_ids(const char *text, bool wild, int64_t *ret_vendor, int64_t *ret_device);
