/* SPDX-License-Identifier: MIT */
/* The words of a line. */
#include "tools/simhost/base/words.h"
#include "tools/simhost/base/memory.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* No others, and no locale's: what separates words here must end them there. */
static const char blanks[] = " \t\r\n";

/* Moves one word down to *out and ends it there, without its quotes. Returns where it stopped, or
 * NULL when a quote is open. */
static const char *words_take(const char *s, char **out)
{
	bool quoted = false;

	for (; *s && (quoted || !strchr(blanks, *s)); s++) {
		if (*s == '"')
			quoted = !quoted;
		else
			*(*out)++ = *s;
	}
	*(*out)++ = '\0';
	return quoted ? NULL : s;
}

const char *words_split(const char *line, struct words *ret)
{
	const char *s = line;

	*ret = (struct words){.text = memory_new(strlen(line) + 2)};
	char *out = ret->text;
	for (;;) {
		s += strspn(s, blanks);
		if (!*s || *s == '#')
			return NULL;
		if (ret->count == WORDS_MAX)
			return "too many words";
		ret->word[ret->count++] = out;
		s = words_take(s, &out);
		if (!s)
			return "a quote is not closed";
	}
}

void words_clear(struct words *words)
{
	free(words->text);
	*words = (struct words){0};
}

const char *words_value(const char *word, const char *key)
{
	size_t n = strlen(key);

	return strncmp(word, key, n) == 0 && word[n] == '=' ? word + n + 1 : NULL;
}

bool words_number(const char *text, int base, uint64_t max, uint64_t *ret)
{
	char *end;

	if (!isxdigit((unsigned char)*text))
		return false;
	errno = 0;
	unsigned long long value = strtoull(text, &end, base);
	if (errno || *end || value > max)
		return false;
	*ret = value;
	return true;
}

bool words_address(const char *text, struct pci_address *ret)
{
	return pci_address_parse(text, ret);
}
