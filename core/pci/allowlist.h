/* SPDX-License-Identifier: MIT */
/* Lists of what may be passed through, by vendor and device id. */
#pragma once

#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `vendor:device`; -1 stands for `*`. */
struct allowlist_entry {
	int32_t vendor;
	int32_t device;
};

struct allowlist {
	struct allowlist_entry *entries; /* owned */
	size_t count;
};

/* Parses one `vendor:device`: each side four hex digits of any case or `*`, blanks around the
 * whole dropped. False, with *ret untouched, for anything else. */
bool allowlist_entry_parse(const char *text, struct allowlist_entry *ret);

bool allowlist_entry_matches(struct allowlist_entry entry, uint16_t vendor, uint16_t device);

/* Parses n entries. CORE_INVALID names the first malformed one: a typo must neither widen nor
 * silently narrow the list (docs/operations.md, "Allowlists"). The caller clears the list. */
int allowlist_parse(char *const *texts, size_t n, struct allowlist *ret, struct core_error *err);

/* Whether the list is empty or has an entry that matches. */
bool allowlist_allows(const struct allowlist *list, uint16_t vendor, uint16_t device);

void allowlist_clear(struct allowlist *list);
