/* SPDX-License-Identifier: MIT */
/* Where a declaration stands in its .proto file, and the comment above it. */
#pragma once

#include "tools/protoc-gen-vfiod/pool.h"

#include <google/protobuf/descriptor.pb-c.h>

struct source {
	const char *file;    /* as protoc was given it */
	int line;	     /* from 1 */
	const char *comment; /* without the markers; "" when there is none */
};

/* The way from the file to a declaration: each step names a field of the descriptor above and an
 * index in it, as in SourceCodeInfo.Location.path. */
struct source_path {
	const struct source_path *up; /* NULL: the file */
	int32_t field;
	int32_t index;
};

/* Looks path up in the file's source info, which protoc always sends to plugins. */
struct source source_find(struct pool *pool, const Google__Protobuf__FileDescriptorProto *file,
	const struct source_path *path);
