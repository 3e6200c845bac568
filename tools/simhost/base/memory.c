/* SPDX-License-Identifier: MIT */
/* Memory that is there. */
#include "tools/simhost/base/memory.h"

#include "core/base/array.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void *memory_need(void *memory)
{
	if (!memory) {
		fputs("simhost: out of memory\n", stderr);
		abort();
	}
	return memory;
}

void *memory_new(size_t size)
{
	return memory_need(calloc(1, size ? size : 1));
}

char *memory_copy(const char *text)
{
	return text ? memory_need(strdup(text)) : NULL;
}

void memory_replace(char **place, const char *text)
{
	char *copy = memory_copy(text); /* first: text may be a part of what is replaced */

	free(*place);
	*place = copy;
}

void *memory_room(void *array, size_t count, size_t element)
{
	return memory_need(array_room(array, count, element));
}

FILE *memory_stream(char **text, size_t *len)
{
	return memory_need(open_memstream(text, len));
}

char *memory_print(const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	return memory_need(text);
}
