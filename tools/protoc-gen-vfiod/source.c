/* SPDX-License-Identifier: MIT */
/* Where a declaration stands in its .proto file. */
#include "tools/protoc-gen-vfiod/source.h"

#include <stdbool.h>

typedef Google__Protobuf__SourceCodeInfo__Location Location;

static bool path_matches(const struct source_path *path, const Location *location)
{
	size_t len = location->n_path;

	for (; path; path = path->up, len -= 2)
		if (len < 2 || location->path[len - 2] != path->field ||
			location->path[len - 1] != path->index)
			return false;
	return len == 0;
}

static const Location *location_find(
	const Google__Protobuf__SourceCodeInfo *info, const struct source_path *path)
{
	for (size_t i = 0; info && i < info->n_location; i++)
		if (path_matches(path, info->location[i]))
			return info->location[i];
	return NULL;
}

/* protoc leaves the blank after the comment marker at the start of each line. */
static const char *comment_clean(struct pool *pool, const char *raw)
{
	char *text = pool_copy(pool, raw);
	bool line_start = true;
	char *to = text;

	for (; *raw; raw++) {
		if (!(line_start && *raw == ' '))
			*to++ = *raw;
		line_start = *raw == '\n';
	}
	while (to > text && (to[-1] == '\n' || to[-1] == ' '))
		to--;
	*to = '\0';
	return text;
}

struct source source_find(struct pool *pool, const Google__Protobuf__FileDescriptorProto *file,
	const struct source_path *path)
{
	struct source source = {.file = file->name, .line = 1, .comment = ""};
	const Location *location = location_find(file->source_code_info, path);

	if (location && location->n_span > 0)
		source.line = location->span[0] + 1;
	if (location && location->leading_comments)
		source.comment = comment_clean(pool, location->leading_comments);
	return source;
}
