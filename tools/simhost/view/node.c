/* SPDX-License-Identifier: MIT */
/* The names of a directory. */
#include "tools/simhost/view/node.h"
#include "tools/simhost/base/memory.h"

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void listing_clear(struct listing *listing)
{
	for (size_t i = 0; i < listing->count; i++)
		free(listing->entries[i].name);
	free(listing->entries);
	*listing = (struct listing){0};
}

void listing_add(struct listing *out, mode_t type, const char *format, ...)
{
	char name[256];
	va_list args;

	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	out->entries = memory_room(out->entries, out->count, sizeof(*out->entries));
	out->entries[out->count++] =
		(struct listing_entry){.name = memory_copy(name), .type = type & S_IFMT};
}

bool name_number(const char *name, const char *prefix, int *ret)
{
	size_t n = strlen(prefix);
	char canonical[16];

	if (strncmp(name, prefix, n) != 0)
		return false;
	long value = strtol(name + n, NULL, 10);
	if (value < 0 || value > INT_MAX)
		return false;
	snprintf(canonical, sizeof(canonical), "%ld", value);
	*ret = (int)value;
	return strcmp(canonical, name + n) == 0;
}
