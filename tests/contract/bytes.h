/* SPDX-License-Identifier: MIT */
/*
 * Bytes and long lists, as a case writes them.
 *
 * Bytes are a string whose characters U+0000 to U+00FF stand for the bytes 0 to 255; or
 * {"repeat": BYTES, "times": N}; or an array of such, one after the other. In a list of JSON
 * values, {"$repeat": X, "$times": N} stands for N times X.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Grows as it is added to; all zero is an empty one. */
struct bytes {
	char *data; /* NUL-terminated behind len */
	size_t len;
	size_t room;
};

void bytes_add(struct bytes *bytes, const void *data, size_t len);
void bytes_print(struct bytes *bytes, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Adds what the value stands for. False when it stands for no bytes. */
bool bytes_add_json(struct bytes *bytes, const json_t *json);

void bytes_clear(struct bytes *bytes);

/* A copy with the repeats spelled out; the caller lets go of it. */
json_t *bytes_expand_lists(const json_t *json);
