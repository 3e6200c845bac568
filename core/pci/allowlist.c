/* SPDX-License-Identifier: MIT */
/* Allowlists. */
#include "core/pci/allowlist.h"
#include "core/base/util.h"

#include <string.h>

static bool side_parse(const char *text, size_t len, int32_t *ret)
{
	if (len == 1 && text[0] == '*') {
		*ret = -1;
		return true;
	}
	if (len != 4 || strspn(text, "0123456789abcdefABCDEF") < 4)
		return false;
	*ret = (int32_t)strtol(text, NULL, 16);
	return true;
}

bool allowlist_entry_parse(const char *text, struct allowlist_entry *ret)
{
	struct allowlist_entry entry;

	text += strspn(text, " \t");
	size_t len = strlen(text);
	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	const char *colon = memchr(text, ':', len);
	if (!colon)
		return false;
	size_t left = (size_t)(colon - text);
	if (!side_parse(text, left, &entry.vendor) ||
		!side_parse(colon + 1, len - left - 1, &entry.device))
		return false;
	*ret = entry;
	return true;
}

bool allowlist_entry_matches(struct allowlist_entry entry, uint16_t vendor, uint16_t device)
{
	return (entry.vendor < 0 || entry.vendor == vendor) &&
	       (entry.device < 0 || entry.device == device);
}

int allowlist_parse(char *const *texts, size_t n, struct allowlist *ret, struct core_error *err)
{
	CLEANUP(free_cleanup) struct allowlist_entry *entries = NULL;

	if (n > 0 && !(entries = calloc(n, sizeof(*entries))))
		return core_fail_memory(err);
	for (size_t i = 0; i < n; i++) {
		if (!allowlist_entry_parse(texts[i], &entries[i]))
			return core_fail(err, CORE_INVALID,
				"allowlist[%zu]: invalid entry: %.64s (expected vendor:device, each side four hex digits or *, like 10de:* or 8086:10d3)",
				i, texts[i]);
	}
	*ret = (struct allowlist){.entries = STEAL(entries), .count = n};
	return 0;
}

bool allowlist_allows(const struct allowlist *list, uint16_t vendor, uint16_t device)
{
	for (size_t i = 0; i < list->count; i++) {
		if (allowlist_entry_matches(list->entries[i], vendor, device))
			return true;
	}
	return list->count == 0;
}

void allowlist_clear(struct allowlist *list)
{
	free(list->entries);
	*list = (struct allowlist){0};
}
