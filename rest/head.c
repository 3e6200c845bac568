/* SPDX-License-Identifier: MIT */
/* Judging request heads. */
#include "rest/head.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* Longest method, so that what is no HTTP at all is told from it before a line ends, if one ever
 * does. */
#define HEAD_METHOD_MAX 32

/* What the header lines told so far. */
struct head_facts {
	unsigned hosts;
	unsigned lengths;
	unsigned encodings;
	unsigned lines;
	bool http10;
};

static bool head_is_token(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static size_t head_token_length(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && head_is_token((unsigned char)text[n]))
		n++;
	return n;
}

static bool head_is_version(const char *text, size_t len, struct head_facts *facts)
{
	if (len != 8 || memcmp(text, "HTTP/1.", 7) != 0 || (text[7] != '0' && text[7] != '1'))
		return false;
	facts->http10 = text[7] == '0';
	return true;
}

/* Whether the line begins with a method, as far as it has come. */
static bool head_method_fits(const char *line, size_t len)
{
	size_t method = head_token_length(line, len);

	if (method > HEAD_METHOD_MAX)
		return false;
	return method == len || (method > 0 && line[method] == ' ');
}

/* "METHOD target HTTP/1.x", one space between each. */
static const char *head_request_line(const char *line, size_t len, struct head_facts *facts)
{
	size_t method = head_token_length(line, len), target;

	if (method == len || !head_method_fits(line, len))
		return "malformed request line";
	line += method + 1;
	len -= method + 1;
	for (target = 0; target < len && line[target] != ' '; target++)
		if (line[target] <= 0x20 || line[target] >= 0x7f)
			return "the request target has a character that a URL cannot have";
	if (target == 0 || target == len)
		return "malformed request line";
	if (!head_is_version(line + target + 1, len - target - 1, facts))
		return "only HTTP/1.0 and HTTP/1.1 are spoken here";
	return NULL;
}

static bool head_is(const char *line, size_t name_len, const char *name)
{
	return name_len == strlen(name) && strncasecmp(line, name, name_len) == 0;
}

static const char *head_value(const char *value, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)value[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return "a header has a control character";
	}
	return NULL;
}

static bool head_all_digits(const char *value, size_t len)
{
	while (len > 0 && (*value == ' ' || *value == '\t')) {
		value++;
		len--;
	}
	while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'))
		len--;
	for (size_t i = 0; i < len; i++)
		if (value[i] < '0' || value[i] > '9')
			return false;
	return len > 0;
}

static const char *head_line(const char *line, size_t len, struct head_facts *facts)
{
	size_t name = head_token_length(line, len);

	if (line[0] == ' ' || line[0] == '\t')
		return "a header is folded over several lines";
	if (name < len && (line[name] == ' ' || line[name] == '\t'))
		return "a header has whitespace before its colon";
	if (name == 0 || name == len || line[name] != ':')
		return "malformed header";
	if (head_is(line, name, "host"))
		facts->hosts++;
	if (head_is(line, name, "transfer-encoding"))
		facts->encodings++;
	if (head_is(line, name, "content-length")) {
		facts->lengths++;
		if (!head_all_digits(line + name + 1, len - name - 1))
			return "Content-Length is not a number";
	}
	return head_value(line + name + 1, len - name - 1);
}

static const char *head_conclude(const struct head_facts *facts)
{
	if (facts->hosts == 0)
		return "the Host header is missing";
	if (facts->hosts > 1)
		return "more than one Host header";
	if (facts->lengths > 1)
		return "more than one Content-Length header";
	if (facts->encodings > 1)
		return "more than one Transfer-Encoding header";
	if (facts->lengths && facts->encodings)
		return "both Content-Length and Transfer-Encoding";
	if (facts->encodings && facts->http10)
		return "HTTP/1.0 has no Transfer-Encoding";
	return NULL;
}

/* Takes one line off the head. False when its end is not there yet. *ret_len is without the line
 * break, or SIZE_MAX where that is a line feed alone. */
static bool head_next_line(const char **at, const char *end, const char **ret_line, size_t *ret_len)
{
	const char *feed = memchr(*at, '\n', (size_t)(end - *at));

	if (!feed)
		return false;
	*ret_line = *at;
	*ret_len = feed > *at && feed[-1] == '\r' ? (size_t)(feed - *at) - 1 : (size_t)-1;
	*at = feed + 1;
	return true;
}

static enum rest_head head_refuse(enum rest_head verdict, const char *why, const char **ret_why)
{
	*ret_why = why;
	return verdict;
}

/* A head whose end is not there yet; the line that has no end is its first or a later one. */
static enum rest_head head_partial(
	const char *bytes, size_t len, const char *line, bool first, const char **ret_why)
{
	size_t line_len = (size_t)(bytes + len - line);
	bool only_return = line_len == 1 && *line == '\r';

	if (first && !only_return && !head_method_fits(line, line_len))
		return head_refuse(REST_HEAD_BAD, "malformed request line", ret_why);
	if (len < REST_HEAD_MAX)
		return REST_HEAD_PARTIAL;
	return head_refuse(REST_HEAD_TOO_LONG, "the request's head is too long", ret_why);
}

enum rest_head rest_head_check(const char *bytes, size_t len, size_t *ret_len, const char **ret_why)
{
	const char *at = bytes, *end = bytes + len, *line, *why = NULL;
	struct head_facts facts = {0};
	size_t line_len;

	if (len >= 2 && memcmp(bytes, "\r\n", 2) == 0)
		at += 2;
	for (; !why; facts.lines++) {
		if (!head_next_line(&at, end, &line, &line_len))
			return head_partial(bytes, len, at, facts.lines == 0, ret_why);
		if (line_len == (size_t)-1)
			why = "a line ends without a carriage return";
		else if (facts.lines == 0)
			why = head_request_line(line, line_len, &facts);
		else if (line_len == 0)
			break;
		else
			why = head_line(line, line_len, &facts);
		if (facts.lines > REST_HEAD_LINES_MAX)
			return head_refuse(REST_HEAD_TOO_LONG, "too many headers", ret_why);
	}
	if (!why)
		why = head_conclude(&facts);
	if (why)
		return head_refuse(REST_HEAD_BAD, why, ret_why);
	if ((size_t)(at - bytes) > REST_HEAD_MAX)
		return head_refuse(REST_HEAD_TOO_LONG, "the request's head is too long", ret_why);
	*ret_len = (size_t)(at - bytes);
	return REST_HEAD_GOOD;
}
