/* SPDX-License-Identifier: MIT */
/* The words of a line, in host files and in the control file. */
#pragma once

#include "core/pci/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WORDS_MAX = 32 };

struct words {
	char *text; /* what the words point into; owned */
	char *word[WORDS_MAX];
	size_t count;
};

/* Splits a line at its blanks; "double quotes" keep blanks inside a word, and what follows a # is a
 * comment. Returns NULL, or what is wrong (a constant); words_clear is due in either case. */
const char *words_split(const char *line, struct words *ret);
void words_clear(struct words *words);

/* The value of an option KEY=VALUE, or NULL when the word is another option. */
const char *words_value(const char *word, const char *key);

/* A whole number in the given base, at most max. False for anything else, a sign too. */
bool words_number(const char *text, int base, uint64_t max, uint64_t *ret);

/* An address of any accepted spelling. */
bool words_address(const char *text, struct pci_address *ret);
