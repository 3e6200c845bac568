/* SPDX-License-Identifier: MIT */
/* Bytes and long lists. */
#include "tests/contract/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void make_room(struct bytes *bytes, size_t need)
{
	size_t room = bytes->room ? bytes->room : 64;

	while (room < need)
		room *= 2;
	if (room == bytes->room)
		return;
	char *grown = realloc(bytes->data, room);
	if (!grown)
		abort();
	bytes->data = grown;
	bytes->room = room;
}

void bytes_add(struct bytes *bytes, const void *data, size_t len)
{
	make_room(bytes, bytes->len + len + 1);
	if (len > 0)
		memcpy(bytes->data + bytes->len, data, len);
	bytes->len += len;
	bytes->data[bytes->len] = '\0';
}

void bytes_print(struct bytes *bytes, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(text))
		abort();
	bytes_add(bytes, text, (size_t)n);
}

/* Characters up to U+00FF are one or two bytes of UTF-8. */
static bool add_characters(struct bytes *bytes, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= 0xc4)
			return false;
		if (c >= 0xc2)
			c = (unsigned char)((c & 3) << 6 | (text[++i] & 0x3f));
		bytes_add(bytes, &c, 1);
	}
	return true;
}

static bool add_repeated(struct bytes *bytes, const json_t *json)
{
	struct bytes once = {0};
	bool ok = bytes_add_json(&once, json_object_get(json, "repeat"));

	for (json_int_t n = json_integer_value(json_object_get(json, "times")); ok && n > 0; n--)
		bytes_add(bytes, once.data, once.len);
	bytes_clear(&once);
	return ok;
}

bool bytes_add_json(struct bytes *bytes, const json_t *json)
{
	bool ok = json_is_array(json);
	json_t *part;
	size_t i;

	if (json_is_string(json))
		return add_characters(bytes, json_string_value(json), json_string_length(json));
	if (json_is_object(json))
		return add_repeated(bytes, json);
	json_array_foreach(json, i, part)
	{
		ok = ok && bytes_add_json(bytes, part);
	}
	return ok;
}

void bytes_clear(struct bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct bytes){0};
}

static json_t *expand_array(const json_t *json)
{
	json_t *copy = json_array(), *element;
	size_t i;

	json_array_foreach(json, i, element)
	{
		json_t *repeated = json_object_get(element, "$repeat");
		json_int_t times = json_integer_value(json_object_get(element, "$times"));

		for (json_int_t n = repeated ? times : 1; n > 0; n--)
			json_array_append_new(
				copy, bytes_expand_lists(repeated ? repeated : element));
	}
	return copy;
}

json_t *bytes_expand_lists(const json_t *json)
{
	json_t *copy, *value;
	const char *name;

	if (json_is_array(json))
		return expand_array(json);
	if (!json_is_object(json))
		return json_deep_copy(json);
	copy = json_object();
	json_object_foreach((json_t *)json, name, value)
	{
		json_object_set_new(copy, name, bytes_expand_lists(value));
	}
	return copy;
}
