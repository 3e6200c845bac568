/* SPDX-License-Identifier: MIT */
/* What the lines of a host file share while they are read. */
#include "tools/simhost/spec/reader.h"
#include "tools/simhost/base/memory.h"
#include "tools/simhost/base/words.h"

#include "core/base/util.h"

#include <stdarg.h>
#include <string.h>

void reader_start(struct reader *r)
{
	r->next_memory = 0x80000000;
	r->next_memory64 = 0x380000000000;
	r->next_io = 0x1000;
}

void reader_clear(struct reader *r)
{
	table_clear(&r->functions);
	table_clear(&r->children);
	table_clear(&r->numbers);
	table_clear(&r->paths);
	table_clear(&r->drivers);
}

bool reader_fail(struct reader *r, const char *format, ...)
{
	CLEANUP(free_cleanup) char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	if (!r->error)
		r->error = memory_print("%s:%u: %s", r->name, r->line, text ? text : "");
	return false;
}

bool spec_name_is_safe(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n < 64 && name[0] != '.' && !strpbrk(name, "/ \t\n=,");
}

bool spec_driver_is_safe(const char *name)
{
	size_t n = strlen(name);

	for (const char *s = name; *s; s++) {
		if (*s < ' ' || *s > '~' || *s == '/' || *s == '"')
			return false;
	}
	return n > 0 && n < 64 && name[0] != '.';
}

static bool reader_id(const char *text, size_t n, bool wild, int64_t *ret)
{
	char digits[5] = "";
	uint64_t value;

	if (wild && n == 1 && *text == '*') {
		*ret = SPEC_ANY;
		return true;
	}
	if (n != 4)
		return false;
	memcpy(digits, text, 4);
	bool ok = words_number(digits, 16, 0xffff, &value);
	if (ok)
		*ret = (int64_t)value;
	return ok;
}

bool spec_ids(const char *text, bool wild, int64_t *ret_vendor, int64_t *ret_device)
{
	const char *colon = strchr(text, ':');

	return colon && reader_id(text, (size_t)(colon - text), wild, ret_vendor) &&
	       reader_id(colon + 1, strlen(colon + 1), wild, ret_device);
}

bool reader_driver(struct reader *r, const char *name)
{
	uint64_t key = table_key(name);

	if (table_get(&r->drivers, key))
		return true;
	table_put(&r->drivers, key, r);
	return ++r->n_drivers <= SPEC_MAX_DRIVERS ||
	       reader_fail(r, "the host has more than %d drivers", SPEC_MAX_DRIVERS);
}
