/* SPDX-License-Identifier: MIT */
/* Judging request heads. */
#include "rest/head.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

/* Longest method, so that what is no HTTP at all is told from it before a line ends, if one ever
 * does. */
#define HEAD_METHOD_MAX 32

/* Characters of a token, those of a method or a header's name: a bit for each of ASCII. */
static const uint32_t head_token[4] = {0, 0x03ff6cfa, 0xc7fffffe, 0x57ffffff};

static bool head_is_token(unsigned char c)
{
	return c < 128 && (head_token[c / 32] >> c % 32 & 1);
}

size_t rest_head_token(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && head_is_token((unsigned char)text[n]))
		n++;
	return n;
}

static bool head_is_version(const char *text, size_t len, struct rest_head_scan *scan)
{
	if (len != 8 || memcmp(text, "HTTP/1.", 7) != 0 || (text[7] != '0' && text[7] != '1'))
		return false;
	scan->http10 = text[7] == '0';
	return true;
}

/* Whether the line begins with a method, as far as it has come. */
static bool head_method_fits(const char *line, size_t len)
{
	size_t method = rest_head_token(line, len);

	if (method > HEAD_METHOD_MAX)
		return false;
	return method == len || (method > 0 && line[method] == ' ');
}

/* "METHOD target HTTP/1.x", one space between each. */
static const char *head_request_line(const char *line, size_t len, struct rest_head_scan *scan)
{
	size_t method = rest_head_token(line, len), target;

	if (method == len || !head_method_fits(line, len))
		return "malformed request line";
	line += method + 1;
	len -= method + 1;
	for (target = 0; target < len && line[target] != ' '; target++)
		if (line[target] <= 0x20 || line[target] >= 0x7f)
			return "the request target has a character that a URL cannot have";
	if (target == 0 || target == len)
		return "malformed request line";
	if (!head_is_version(line + target + 1, len - target - 1, scan))
		return "only HTTP/1.0 and HTTP/1.1 are spoken here";
	return NULL;
}

static bool head_is(const char *line, size_t name_len, const char *name)
{
	return name_len == strlen(name) && strncasecmp(line, name, name_len) == 0;
}

bool rest_head_is_text(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* Blanks around a value are no part of it. */
static void head_trim(const char **value, size_t *len)
{
	while (*len > 0 && (**value == ' ' || **value == '\t')) {
		++*value;
		--*len;
	}
	while (*len > 0 && ((*value)[*len - 1] == ' ' || (*value)[*len - 1] == '\t'))
		--*len;
}

static const char *head_content_length(struct rest_head_scan *scan, const char *value, size_t len)
{
	size_t number = 0;

	if (len == 0)
		return "Content-Length is not a number";
	for (size_t i = 0; i < len; i++) {
		if (value[i] < '0' || value[i] > '9')
			return "Content-Length is not a number";
		if (number > (SIZE_MAX - 9) / 10)
			number = (SIZE_MAX - 9) / 10;
		number = number * 10 + (size_t)(value[i] - '0');
	}
	scan->lengths++;
	scan->body_len = number;
	return NULL;
}

/* The headers that say where the request ends, and whose it is. */
static const char *head_field(
	struct rest_head_scan *scan, const char *line, size_t name, const char *value, size_t len)
{
	head_trim(&value, &len);
	if (head_is(line, name, "host"))
		scan->hosts++;
	if (head_is(line, name, "content-length"))
		return head_content_length(scan, value, len);
	if (head_is(line, name, "transfer-encoding")) {
		scan->encodings++;
		scan->chunked = true;
		if (!head_is(value, len, "chunked"))
			return "unknown transfer-encoding: only chunked is taken";
	}
	if (head_is(line, name, "expect")) {
		scan->wants_continue = true;
		if (!head_is(value, len, "100-continue"))
			scan->strange = true;
	}
	return NULL;
}

static const char *head_line(struct rest_head_scan *scan, const char *line, size_t len)
{
	size_t name = rest_head_token(line, len);
	unsigned framings = scan->lengths + scan->encodings;
	const char *why;

	if (line[0] == ' ' || line[0] == '\t')
		return "a header is folded over several lines";
	if (name < len && (line[name] == ' ' || line[name] == '\t'))
		return "a header has whitespace before its colon";
	if (name == 0 || name == len || line[name] != ':')
		return "malformed header";
	if (!rest_head_is_text(line + name + 1, len - name - 1))
		return "a header has a control character";
	why = head_field(scan, line, name, line + name + 1, len - name - 1);
	if (!why && scan->lengths + scan->encodings > framings) {
		scan->framing = scan->at;
		scan->framing_len = len + 2;
	}
	return why;
}

static const char *head_conclude(struct rest_head_scan *scan)
{
	if (scan->hosts == 0)
		return "the Host header is missing";
	if (scan->hosts > 1)
		return "more than one Host header";
	if (scan->lengths > 1)
		return "more than one Content-Length header";
	if (scan->encodings > 1)
		return "more than one Transfer-Encoding header";
	if (scan->lengths && scan->encodings)
		return "both Content-Length and Transfer-Encoding";
	if (scan->encodings && scan->http10)
		return "HTTP/1.0 has no Transfer-Encoding";
	return NULL;
}

static enum rest_head head_refuse(
	struct rest_head_scan *scan, enum rest_head verdict, const char *why)
{
	scan->why = why;
	return verdict;
}

/* The line under way has no end yet. */
static enum rest_head head_partial(struct rest_head_scan *scan, const char *bytes, size_t len)
{
	const char *line = bytes + scan->at;
	size_t line_len = len - scan->at;
	bool only_return = line_len == 1 && *line == '\r';

	scan->sought = len;
	if (scan->lines == 0 && !only_return && !head_method_fits(line, line_len))
		return head_refuse(scan, REST_HEAD_BAD, "malformed request line");
	if (len < REST_HEAD_MAX)
		return REST_HEAD_PARTIAL;
	return head_refuse(scan, REST_HEAD_TOO_LONG, "the request's head is too long");
}

/* The line that ends before the line feed at end. */
static const char *head_take_line(struct rest_head_scan *scan, const char *bytes, size_t end)
{
	size_t len = end - scan->at;

	if (len == 0 || bytes[end - 1] != '\r')
		return "a line ends without a carriage return";
	if (scan->lines == 0)
		return head_request_line(bytes + scan->at, len - 1, scan);
	return head_line(scan, bytes + scan->at, len - 1);
}

static enum rest_head head_end(struct rest_head_scan *scan, size_t len)
{
	const char *why = head_conclude(scan);

	if (why)
		return head_refuse(scan, REST_HEAD_BAD, why);
	if (len > REST_HEAD_MAX)
		return head_refuse(scan, REST_HEAD_TOO_LONG, "the request's head is too long");
	if (scan->strange)
		return head_refuse(scan, REST_HEAD_EXPECTATION,
			"unknown expectation: only 100-continue is known here");
	scan->wants_continue = scan->wants_continue && !scan->http10;
	scan->len = len;
	return REST_HEAD_GOOD;
}

enum rest_head rest_head_check(struct rest_head_scan *scan, const char *bytes, size_t len)
{
	const char *feed, *why;
	size_t end;

	if (scan->at == 0 && len >= 2 && memcmp(bytes, "\r\n", 2) == 0)
		scan->at = 2;
	if (scan->sought < scan->at)
		scan->sought = scan->at;
	while ((feed = memchr(bytes + scan->sought, '\n', len - scan->sought))) {
		end = (size_t)(feed - bytes);
		if (scan->lines > 0 && end == scan->at + 1 && feed[-1] == '\r')
			return head_end(scan, end + 1);
		why = head_take_line(scan, bytes, end);
		if (why)
			return head_refuse(scan, REST_HEAD_BAD, why);
		if (++scan->lines > REST_HEAD_LINES_MAX + 1)
			return head_refuse(scan, REST_HEAD_TOO_LONG, "too many headers");
		scan->at = scan->sought = end + 1;
	}
	return head_partial(scan, bytes, len);
}
