/* SPDX-License-Identifier: MIT */
/* Comma-separated settings. */
#include "rest/list.h"

#include "core/base/util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char *list_trim(char *entry)
{
	entry += strspn(entry, " \t");
	for (size_t n = strlen(entry); n > 0 && strchr(" \t", entry[n - 1]); n--)
		entry[n - 1] = '\0';
	return entry;
}

int rest_list_each(const char *text, int (*add)(void *arg, char *entry, struct fault *fault),
	void *arg, struct fault *fault)
{
	CLEANUP(free_cleanup) char *copy = strdup(text);
	char *rest = copy, *entry;

	if (!copy)
		return fault_set(fault, -ENOMEM, "out of memory");
	if (copy[strspn(copy, " \t")] == '\0')
		return 0;
	while ((entry = strsep(&rest, ","))) {
		int r = add(arg, list_trim(entry), fault);

		if (r < 0)
			return r;
	}
	return 0;
}
