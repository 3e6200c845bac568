/* SPDX-License-Identifier: MIT */
/* What the REST face serves without a method behind it. */
#pragma once

#include "tools/protoc-gen-vfiod/doc.h"

#include <stdbool.h>
#include <stddef.h>

/* The tag of these operations, and what the document says of it. */
#define BUILTIN_TAG "daemon"
#define BUILTIN_TAG_DESCRIPTION "The daemon itself."

struct builtin {
	const char *path;
	const char *id; /* NULL: a second name, not shown in the document */
	const char *summary;
	const char *description;
	bool open; /* needs no key */
};

extern const struct builtin builtins[];
extern const size_t builtin_count;

/* The GET operation of one that is shown, new. */
json_t *builtin_operation(const struct builtin *builtin);
