/* SPDX-License-Identifier: MIT */
/* Writing JSON. */
#include "rest/json.h"

#include "core/base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool json_reserve(struct rest_json *json, size_t more)
{
	size_t cap = json->cap ? json->cap : 1024;
	char *data;

	if (json->failed)
		return false;
	if (json->cap - json->len >= more)
		return true;
	while (cap - json->len < more)
		cap *= 2;
	data = realloc(json->data, cap);
	if (!data) {
		json->failed = true;
		return false;
	}
	json->data = data;
	json->cap = cap;
	return true;
}

void rest_json_raw(struct rest_json *json, const char *bytes, size_t len)
{
	if (len == 0 || !json_reserve(json, len))
		return;
	memcpy(json->data + json->len, bytes, len);
	json->len += len;
}

static bool json_is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static void json_control(struct rest_json *json, unsigned char c)
{
	char text[8];

	switch (c) {
	case '\n':
		rest_json_literal(json, "\\n");
		return;
	case '\r':
		rest_json_literal(json, "\\r");
		return;
	case '\t':
		rest_json_literal(json, "\\t");
		return;
	default:
		snprintf(text, sizeof(text), "\\u%04x", c);
		rest_json_raw(json, text, 6);
	}
}

/* Writes the one character at text that is not plain, and returns how many bytes it took. */
static size_t json_special(struct rest_json *json, const char *text, size_t len)
{
	unsigned char c = (unsigned char)*text;
	size_t n;

	if (c == '"' || c == '\\') {
		rest_json_literal(json, "\\");
		rest_json_raw(json, text, 1);
		return 1;
	}
	if (c < 0x20) {
		json_control(json, c);
		return 1;
	}
	n = text_char(text, len);
	if (n == 0) {
		rest_json_literal(json, "\xef\xbf\xbd");
		return 1;
	}
	rest_json_raw(json, text, n);
	return n;
}

void rest_json_string(struct rest_json *json, const char *text, size_t len)
{
	size_t at = 0;

	rest_json_literal(json, "\"");
	while (at < len) {
		size_t run = at;

		while (run < len && json_is_plain((unsigned char)text[run]))
			run++;
		rest_json_raw(json, text + at, run - at);
		at = run;
		if (at < len)
			at += json_special(json, text + at, len - at);
	}
	rest_json_literal(json, "\"");
}

void rest_json_unsigned(struct rest_json *json, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	rest_json_raw(json, digits + at, sizeof(digits) - at);
}

void rest_json_signed(struct rest_json *json, int64_t value)
{
	if (value < 0)
		rest_json_literal(json, "-");
	/* Negated as unsigned: -INT64_MIN does not fit. */
	rest_json_unsigned(json, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

static bool json_nonfinite(struct rest_json *json, double value)
{
	if (isnan(value))
		rest_json_literal(json, "\"NaN\"");
	else if (isinf(value) && value > 0)
		rest_json_literal(json, "\"Infinity\"");
	else if (isinf(value))
		rest_json_literal(json, "\"-Infinity\"");
	else
		return false;
	return true;
}

void rest_json_double(struct rest_json *json, double value)
{
	char text[40];

	if (json_nonfinite(json, value))
		return;
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	rest_json_raw(json, text, strlen(text));
}

void rest_json_float(struct rest_json *json, float value)
{
	char text[40];

	if (json_nonfinite(json, (double)value))
		return;
	for (int digits = 6; digits <= 9; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, (double)value);
		if (strtof(text, NULL) == value)
			break;
	}
	rest_json_raw(json, text, strlen(text));
}

void rest_json_base64(struct rest_json *json, const uint8_t *bytes, size_t len)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	rest_json_literal(json, "\"");
	for (size_t at = 0; at < len; at += 3) {
		size_t left = len - at;
		uint32_t bits = (uint32_t)bytes[at] << 16;
		char four[4];

		bits |= left > 1 ? (uint32_t)bytes[at + 1] << 8 : 0;
		bits |= left > 2 ? bytes[at + 2] : 0;
		four[0] = alphabet[bits >> 18];
		four[1] = alphabet[bits >> 12 & 63];
		four[2] = left > 1 ? alphabet[bits >> 6 & 63] : '=';
		four[3] = left > 2 ? alphabet[bits & 63] : '=';
		rest_json_raw(json, four, sizeof(four));
	}
	rest_json_literal(json, "\"");
}

void rest_json_reset(struct rest_json *json)
{
	json->len = 0;
	json->failed = false;
}

void rest_json_clear(struct rest_json *json)
{
	free(json->data);
	*json = (struct rest_json){0};
}
