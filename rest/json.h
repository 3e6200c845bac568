/* SPDX-License-Identifier: MIT */
/* Compact JSON text, written into a growing buffer. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A text being written. All zero is an empty one. When memory runs out `failed` is set and later
 * writes do nothing, so a writer looks once, at the end. No function here blocks. */
struct rest_json {
	char *data;
	size_t len;
	size_t cap;
	bool failed;
};

/* Appends bytes as they are: punctuation, or text that is JSON already. */
void rest_json_raw(struct rest_json *json, const char *bytes, size_t len);

/* Appends a string literal as it is. */
#define rest_json_literal(json, literal) rest_json_raw((json), (literal), sizeof(literal) - 1)

/* Appends a quoted and escaped string. Bytes that are not UTF-8 become U+FFFD: the kernel, pci.ids
 * and request texts promise nothing, and the answer must parse all the same. */
void rest_json_string(struct rest_json *json, const char *text, size_t len);

/* Appends a number in decimal. */
void rest_json_unsigned(struct rest_json *json, uint64_t value);
void rest_json_signed(struct rest_json *json, int64_t value);

/* Appends the shortest decimal that reads back as the same value; NaN and the infinities as the
 * strings that proto3 JSON names. */
void rest_json_double(struct rest_json *json, double value);
void rest_json_float(struct rest_json *json, float value);

/* Appends bytes as a string of standard base64. */
void rest_json_base64(struct rest_json *json, const uint8_t *bytes, size_t len);

/* Empties the text and keeps its memory. */
void rest_json_reset(struct rest_json *json);

/* Frees the memory; all zero is fine. */
void rest_json_clear(struct rest_json *json);
