/* SPDX-License-Identifier: MIT */
/* Reading a host file: its lines, their repetition, and the errors that name them. */
#include "tools/simhost/spec/read.h"
#include "tools/simhost/base/memory.h"
#include "tools/simhost/spec/device.h"
#include "tools/simhost/spec/line.h"

#include "core/base/util.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* What all lines may come to once repeats are unrolled; each costs its length and LINE_COST, for a
 * small file could make endless ones, and endless repeats of none. */
enum {
	MAX_DEPTH = 8,
	MAX_LINE = 4096,
	MAX_UNROLLED = 32 << 20,
	LINE_COST = 64,
	MAX_FILE = 8 << 20
};

struct variable {
	const char *name;
	long value;
};

struct text_lines {
	char *text; /* owned; cut into lines */
	char **line;
	size_t count;
};

struct reading {
	struct reader reader;
	struct text_lines lines;
	struct variable variables[MAX_DEPTH];
	size_t n_variables;
	size_t unrolled; /* so far, of MAX_UNROLLED */
};

static void cut_lines(const char *text, struct text_lines *ret)
{
	*ret = (struct text_lines){.text = memory_copy(text)};
	for (char *s = ret->text; s;) {
		char *end = strchr(s, '\n');

		ret->line = memory_room(ret->line, ret->count, sizeof(*ret->line));
		ret->line[ret->count++] = s;
		if (end)
			*end = '\0';
		s = end ? end + 1 : NULL;
	}
}

static const struct variable *find_variable(const struct reading *r, const char *name, size_t n)
{
	for (size_t i = 0; i < r->n_variables; i++) {
		if (strlen(r->variables[i].name) == n &&
			strncmp(r->variables[i].name, name, n) == 0)
			return &r->variables[i];
	}
	return NULL;
}

/* Writes what {NAME}, {NAME+N} or {NAME:02x} stands for. s is behind the brace; returns what is
 * behind the other, or NULL. */
static const char *expand_one(struct reading *r, const char *s, FILE *out)
{
	size_t n = strcspn(s, "+-:}");
	const struct variable *v = find_variable(r, s, n);
	int width = 0;
	char *end = (char *)s + n;

	if (!v) {
		reader_fail(&r->reader, "no repeat counts {%.*s}", (int)n, s);
		return NULL;
	}
	long value = v->value + (*end == '+' || *end == '-' ? strtol(end, &end, 10) : 0);
	bool colon = *end == ':';
	if (colon)
		width = (int)strtol(end + 1, &end, 10);
	bool hex = colon && *end == 'x';
	end += hex;
	if (*end != '}' || width < 0 || width > 16 || value < 0) {
		reader_fail(&r->reader, "{%.*s} is no number: write {%s}, {%s+1} or {%s:02x}",
			(int)strcspn(s, "}"), s, v->name, v->name, v->name);
		return NULL;
	}
	fprintf(out, hex ? "%0*lx" : "%0*ld", width, (unsigned long)value);
	return end + 1;
}

/* The line with its counters written out; NULL after an error. The caller frees it. */
static char *read_expand(struct reading *r, const char *line)
{
	char *text = NULL;
	size_t size;

	if (r->n_variables == 0 || !strchr(line, '{'))
		return memory_copy(line);
	FILE *out = memory_stream(&text, &size);
	for (const char *s = line; s && *s && *s != '#';) {
		if (*s == '{')
			s = expand_one(r, s + 1, out);
		else
			fputc(*s++, out);
	}
	fclose(out);
	if (r->reader.error) {
		free(text);
		text = NULL;
	}
	return text;
}

static bool read_spend(struct reading *r, size_t cost)
{
	r->unrolled += cost;
	return r->unrolled <= MAX_UNROLLED ||
	       reader_fail(&r->reader, "the host is too large: it has more than %d MB of lines",
		       MAX_UNROLLED >> 20);
}

static bool is_word(const char *line, const char *word)
{
	size_t n = strlen(word);

	line += strspn(line, " \t");
	return strncmp(line, word, n) == 0 && (!line[n] || isspace((unsigned char)line[n]));
}

/* The line of the `end` that belongs to the repeat at the given line; 0 when there is none. */
static size_t find_end(const struct reading *r, size_t from, size_t to)
{
	unsigned depth = 0;

	for (size_t i = from + 1; i < to; i++) {
		if (is_word(r->lines.line[i], "repeat"))
			depth++;
		else if (is_word(r->lines.line[i], "end") && depth-- == 0)
			return i;
	}
	return 0;
}

static bool read_lines(struct reading *r, size_t from, size_t to);

/* repeat NAME FIRST LAST … end */
static bool read_repeat(struct reading *r, const struct words *words, size_t from, size_t end)
{
	uint64_t first, last;

	if (words->count != 4 || !isalpha((unsigned char)*words->word[1]) ||
		!words_number(words->word[2], 0, 1 << 20, &first) ||
		!words_number(words->word[3], 0, 1 << 20, &last))
		return reader_fail(&r->reader, "write: repeat NAME FIRST LAST");
	if (r->n_variables == MAX_DEPTH)
		return reader_fail(&r->reader, "repeats are nested more than %d times", MAX_DEPTH);
	struct variable *v = &r->variables[r->n_variables++];
	v->name = words->word[1];
	bool ok = true;
	for (uint64_t i = first; ok && i <= last; i++) {
		v->value = (long)i;
		ok = read_spend(r, LINE_COST) && read_lines(r, from + 1, end);
	}
	r->n_variables--;
	return ok;
}

static bool read_line(struct reading *r, size_t *at, size_t to)
{
	CLEANUP(free_cleanup) char *line = read_expand(r, r->lines.line[*at]);
	CLEANUP(words_clear) struct words words = {0};
	size_t len = line ? strlen(line) : 0;
	const char *wrong = line ? words_split(line, &words) : NULL;

	if (!line)
		return false;
	if (len > MAX_LINE)
		return reader_fail(&r->reader, "the line is longer than %d bytes", MAX_LINE);
	if (wrong)
		return reader_fail(&r->reader, "%s", wrong);
	if (!read_spend(r, len + LINE_COST))
		return false;
	if (words.count == 0)
		return true;
	if (strcmp(words.word[0], "repeat") != 0)
		return spec_line(&r->reader, &words, line);
	size_t end = find_end(r, *at, to);
	if (!end)
		return reader_fail(&r->reader, "this repeat has no end");
	if (!read_repeat(r, &words, *at, end))
		return false;
	*at = end;
	return true;
}

static bool read_lines(struct reading *r, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		r->reader.line = (unsigned)i + 1;
		if (!read_line(r, &i, to))
			return false;
	}
	return true;
}

struct spec *spec_parse(
	const char *text, const char *name, const struct spec_names *names, char **ret_error)
{
	struct reading r = {.reader = {.name = name, .names = names, .spec = spec_new()}};

	reader_start(&r.reader);
	cut_lines(text, &r.lines);
	bool ok = read_lines(&r, 0, r.lines.count) && reader_finish(&r.reader);
	reader_clear(&r.reader);
	free(r.lines.line);
	free(r.lines.text);
	if (ok)
		return r.reader.spec;
	spec_free(r.reader.spec);
	*ret_error = r.reader.error;
	return NULL;
}

static char *read_file(const char *path)
{
	CLEANUP(fd_cleanup) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	size_t n = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return NULL;
	if (!S_ISREG(st.st_mode) || st.st_size > MAX_FILE) {
		errno = S_ISREG(st.st_mode) ? EFBIG : EINVAL;
		return NULL;
	}
	CLEANUP(free_cleanup) char *text = memory_new((size_t)st.st_size + 1);
	while (n < (size_t)st.st_size) {
		ssize_t got = read(fd, text + n, (size_t)st.st_size - n);
		if (got < 0)
			return NULL;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	if (strlen(text) < n) {
		errno = EILSEQ;
		return NULL;
	}
	return STEAL(text);
}

struct spec *spec_read(const char *path, const struct spec_names *names, char **ret_error)
{
	CLEANUP(free_cleanup) char *text = read_file(path);

	if (text)
		return spec_parse(text, path, names, ret_error);
	*ret_error = memory_print("%s: cannot be read: %s", path, strerror(errno));
	return NULL;
}
