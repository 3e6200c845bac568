/* SPDX-License-Identifier: MIT */
/* Query strings into messages. */
#include "rest/query.h"

#include "core/base/array.h"
#include "core/base/text.h"
#include "core/base/util.h"
#include "rest/field.h"
#include "rest/hex.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One "name=value", both decoded, NUL-terminated, in memory of their own. */
struct query_pair {
	char *name;
	char *value;
};

static void query_free_pair(struct query_pair *pair)
{
	free(pair->name);
	free(pair->value);
}

static void query_free_message(ProtobufCMessage **message)
{
	if (*message)
		protobuf_c_message_free_unpacked(*message, NULL);
}

/* Decodes into new memory. -EINVAL for a broken escape, a NUL or bytes that are not UTF-8. */
static int query_decode(const char *text, size_t len, char **ret)
{
	CLEANUP(free_cleanup) char *copy = malloc(len + 1);
	size_t n = 0;

	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < len; i++) {
		char c = text[i] == '+' ? ' ' : text[i];

		if (c == '%') {
			int high = len - i < 3 ? -1 : rest_hex_digit(text[i + 1]);
			int low = high < 0 ? -1 : rest_hex_digit(text[i + 2]);

			if (low < 0)
				return -EINVAL;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (c == '\0')
			return -EINVAL;
		copy[n++] = c;
	}
	if (!text_valid(copy, n))
		return -EINVAL;
	copy[n] = '\0';
	*ret = STEAL(copy);
	return 0;
}

/* Takes the next "name=value" off the query; false at its end. Empty ones are passed over. */
static bool query_next(const char **query, size_t *len, const char **ret_pair, size_t *ret_len)
{
	while (*len > 0) {
		const char *pair = *query;
		const char *amp = memchr(pair, '&', *len);
		size_t n = amp ? (size_t)(amp - pair) : *len;

		*query += n + (amp ? 1 : 0);
		*len -= n + (amp ? 1 : 0);
		if (n == 0)
			continue;
		*ret_pair = pair;
		*ret_len = n;
		return true;
	}
	return false;
}

static int query_split(const char *text, size_t len, struct query_pair *ret)
{
	const char *equals = memchr(text, '=', len);
	size_t name_len = equals ? (size_t)(equals - text) : len;
	size_t skip = equals ? name_len + 1 : len;
	int r;

	r = query_decode(text, name_len, &ret->name);
	if (r < 0)
		return r;
	return query_decode(text + skip, len - skip, &ret->value);
}

/* Makes room for one more element; the count is raised only once the element is there. */
static int query_grow(const ProtobufCFieldDescriptor *field, ProtobufCMessage *message,
	void **ret_slot, struct fault *fault)
{
	void **elements = rest_field_slot(field, message);
	size_t size = rest_field_size(field), count = *rest_field_count(field, message);
	char *grown = array_room(*elements, count, size);

	if (!grown)
		return fault_set(fault, -ENOMEM, "out of memory");
	*elements = grown;
	memset(grown + count * size, 0, size);
	*ret_slot = grown + count * size;
	return 0;
}

static int query_set(const ProtobufCFieldDescriptor *field, const struct query_pair *pair,
	bool *seen, ProtobufCMessage *message, struct fault *fault)
{
	struct rest_path path = {.name = pair->name, .index = -1};
	bool repeated = rest_field_is_repeated(field);
	void *slot = rest_field_slot(field, message);
	int r = 0;

	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		return fault_set(
			fault, -EINVAL, "parameter %.100s: not possible in a query", pair->name);
	if (!repeated && (*seen || rest_field_oneof_taken(field, message)))
		return fault_set(fault, -EINVAL, "parameter %.100s: given twice", pair->name);
	*seen = true;
	if (repeated)
		r = query_grow(field, message, &slot, fault);
	if (r == 0)
		r = rest_field_parse(field, pair->value, strlen(pair->value), slot, &path, fault);
	if (r < 0)
		return r;
	if (repeated)
		++*rest_field_count(field, message);
	else
		rest_field_mark(field, message);
	return 0;
}

/* How much of an undecodable pair an error shows: its name. */
static int query_name_shown(const char *text, size_t len)
{
	const char *equals = memchr(text, '=', len);
	size_t n = equals ? (size_t)(equals - text) : len;

	return (int)(n < 100 ? n : 100);
}

static int query_pair_read(const ProtobufCMessageDescriptor *type, const char *text, size_t len,
	bool *seen, ProtobufCMessage *message, struct fault *fault)
{
	CLEANUP(query_free_pair) struct query_pair pair = {0};
	const ProtobufCFieldDescriptor *field;
	int r = query_split(text, len, &pair);

	if (r == -EINVAL)
		return fault_set(fault, -EINVAL,
			"parameter %.*s: broken percent-escape, NUL or invalid UTF-8",
			query_name_shown(text, len), text);
	if (r < 0)
		return fault_set(fault, r, "out of memory");
	if (strcmp(pair.name, REST_QUERY_KEY) == 0)
		return 0;
	field = rest_field_find(type, pair.name);
	if (!field)
		return fault_set(fault, -EINVAL, "unknown parameter: %.100s", pair.name);
	return query_set(field, &pair, &seen[field - type->fields], message, fault);
}

int rest_query_read(const ProtobufCMessageDescriptor *type, const char *query, size_t len,
	ProtobufCMessage **ret, struct fault *fault)
{
	CLEANUP(query_free_message) ProtobufCMessage *message = NULL;
	CLEANUP(free_cleanup) bool *seen = NULL;
	const char *pair;
	size_t pair_len;

	message = malloc(type->sizeof_message);
	if (!message)
		return fault_set(fault, -ENOMEM, "out of memory");
	protobuf_c_message_init(type, message);
	seen = calloc(type->n_fields + 1, sizeof(*seen));
	if (!seen)
		return fault_set(fault, -ENOMEM, "out of memory");
	while (query_next(&query, &len, &pair, &pair_len)) {
		int r = query_pair_read(type, pair, pair_len, seen, message, fault);

		if (r < 0)
			return r;
	}
	*ret = STEAL(message);
	return 0;
}

char *rest_query_key(const char *query, size_t len)
{
	const char *pair;
	size_t pair_len;

	while (query_next(&query, &len, &pair, &pair_len)) {
		CLEANUP(query_free_pair) struct query_pair decoded = {0};

		if (query_split(pair, pair_len, &decoded) == 0 &&
			strcmp(decoded.name, REST_QUERY_KEY) == 0) {
			char *value = decoded.value;

			decoded.value = NULL;
			return value;
		}
	}
	return NULL;
}

int rest_query_refuse(const char *query, size_t len, struct fault *fault)
{
	const char *pair;
	size_t pair_len;

	while (query_next(&query, &len, &pair, &pair_len)) {
		size_t key = sizeof(REST_QUERY_KEY) - 1;

		if (pair_len >= key && memcmp(pair, REST_QUERY_KEY, key) == 0 &&
			(pair_len == key || pair[key] == '='))
			continue;
		return fault_set(fault, -EINVAL,
			"unknown parameter: %.*s (this operation takes its fields from the body)",
			query_name_shown(pair, pair_len), pair);
	}
	return 0;
}
