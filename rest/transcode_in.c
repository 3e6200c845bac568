/* SPDX-License-Identifier: MIT */
/* JSON into messages. */
#include "core/base/util.h"
#include "rest/field.h"
#include "rest/transcode.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int in_message(const ProtobufCMessageDescriptor *type, const json_t *object,
	const struct rest_path *path, ProtobufCMessage **ret, struct fault *fault);

static void in_free_json(json_t **json)
{
	json_decref(*json);
}

static void in_free_message(ProtobufCMessage **message)
{
	if (*message)
		protobuf_c_message_free_unpacked(*message, NULL);
}

static const char *in_type_name(const json_t *json)
{
	switch (json_typeof(json)) {
	case JSON_OBJECT:
		return "object";
	case JSON_ARRAY:
		return "array";
	case JSON_STRING:
		return "string";
	case JSON_INTEGER:
	case JSON_REAL:
		return "number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "boolean";
	default:
		return "null";
	}
}

static int in_refuse_type(
	const struct rest_path *path, const char *wanted, const json_t *got, struct fault *fault)
{
	char where[160];

	return fault_set(fault, -EINVAL, "%s: expected %s, got %s",
		rest_path_text(path, where, sizeof(where)), wanted, in_type_name(got));
}

static int in_refuse_range(
	const ProtobufCFieldDescriptor *field, const struct rest_path *path, struct fault *fault)
{
	char where[160];

	return fault_set(fault, -EINVAL,
		"%s: number is out of range or not a whole one (expected %s)",
		rest_path_text(path, where, sizeof(where)), rest_field_wants(field));
}

/* 1.0 and 1e3 are whole numbers too, for JSON knows only one kind. */
static bool in_store_whole(const ProtobufCFieldDescriptor *field, double value, void *slot)
{
	double amount = fabs(value);

	if (!(amount < 18446744073709551616.0) || trunc(value) != value)
		return false;
	return rest_field_store_integer(field, value < 0, (uint64_t)amount, slot);
}

static bool in_store_number(const ProtobufCFieldDescriptor *field, const json_t *json, void *slot)
{
	bool real = field->type == PROTOBUF_C_TYPE_FLOAT || field->type == PROTOBUF_C_TYPE_DOUBLE;
	json_int_t value = json_integer_value(json);

	if (real)
		return rest_field_store_real(field, json_number_value(json), slot);
	if (json_is_real(json))
		return in_store_whole(field, json_real_value(json), slot);
	return rest_field_store_integer(
		field, value < 0, value < 0 ? -(uint64_t)value : (uint64_t)value, slot);
}

static int in_number(const ProtobufCFieldDescriptor *field, const json_t *json, void *slot,
	const struct rest_path *path, struct fault *fault)
{
	if (json_is_string(json))
		return rest_field_parse(field, json_string_value(json), json_string_length(json),
			slot, path, fault);
	if (!json_is_number(json))
		return in_refuse_type(path, rest_field_wants(field), json, fault);
	if (!in_store_number(field, json, slot))
		return in_refuse_range(field, path, fault);
	return 0;
}

/* One value, of a singular field or of an element. The slot is not written on failure. */
static int in_value(const ProtobufCFieldDescriptor *field, const json_t *json, void *slot,
	const struct rest_path *path, struct fault *fault)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_MESSAGE:
		if (!json_is_object(json))
			break;
		return in_message(field->descriptor, json, path, slot, fault);
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
		if (!json_is_string(json))
			break;
		return rest_field_parse(field, json_string_value(json), json_string_length(json),
			slot, path, fault);
	case PROTOBUF_C_TYPE_BOOL:
		if (!json_is_boolean(json))
			break;
		*(protobuf_c_boolean *)slot = json_is_true(json);
		return 0;
	default:
		return in_number(field, json, slot, path, fault);
	}
	return in_refuse_type(path, rest_field_wants(field), json, fault);
}

static int in_array(const ProtobufCFieldDescriptor *field, const json_t *array,
	ProtobufCMessage *message, struct rest_path *path, struct fault *fault)
{
	size_t size = rest_field_size(field), count = json_array_size(array);
	size_t *done = rest_field_count(field, message);
	char *elements;

	if (count == 0)
		return 0;
	elements = calloc(count, size);
	if (!elements)
		return fault_set(fault, -ENOMEM, "out of memory");
	/* The count grows with the elements, so that a half-read message can be freed. */
	*(void **)rest_field_slot(field, message) = elements;
	for (size_t i = 0; i < count; i++) {
		int r;

		path->index = (long)i;
		r = in_value(field, json_array_get(array, i), elements + i * size, path, fault);
		if (r < 0)
			return r;
		*done = i + 1;
	}
	return 0;
}

static int in_field(const ProtobufCFieldDescriptor *field, const json_t *json,
	ProtobufCMessage *message, struct rest_path *path, struct fault *fault)
{
	char where[160];
	int r;

	if (json_is_null(json))
		return 0;
	if (rest_field_is_map(field))
		return fault_set(fault, -EINVAL, "%s: maps are not supported",
			rest_path_text(path, where, sizeof(where)));
	if (rest_field_is_repeated(field)) {
		if (!json_is_array(json))
			return in_refuse_type(path, "array", json, fault);
		return in_array(field, json, message, path, fault);
	}
	if (rest_field_oneof_taken(field, message))
		return fault_set(fault, -EINVAL, "%s: excludes another field that is set too",
			rest_path_text(path, where, sizeof(where)));
	r = in_value(field, json, rest_field_slot(field, message), path, fault);
	if (r == 0)
		rest_field_mark(field, message);
	return r;
}

/* jansson sees one spelling used twice; both spellings of one field are seen here. */
static bool in_spelled_twice(
	const ProtobufCFieldDescriptor *field, const char *key, const json_t *object)
{
	char camel[128];

	if (strcmp(key, field->name) == 0)
		return false;
	rest_field_camel(field, camel, sizeof(camel));
	return strcmp(camel, field->name) != 0 && json_object_get(object, field->name);
}

static int in_member(const ProtobufCMessageDescriptor *type, const json_t *object, const char *key,
	const json_t *value, const struct rest_path *up, ProtobufCMessage *message,
	struct fault *fault)
{
	struct rest_path path = {.up = up, .name = key, .index = -1};
	const ProtobufCFieldDescriptor *field = rest_field_find(type, key);
	char where[160];

	if (!field)
		return fault_set(fault, -EINVAL, "unknown field: %s",
			rest_path_text(&path, where, sizeof(where)));
	if (in_spelled_twice(field, key, object))
		return fault_set(fault, -EINVAL, "duplicate field: %s (also given as %s)",
			rest_path_text(&path, where, sizeof(where)), field->name);
	return in_field(field, value, message, &path, fault);
}

static int in_message(const ProtobufCMessageDescriptor *type, const json_t *object,
	const struct rest_path *path, ProtobufCMessage **ret, struct fault *fault)
{
	CLEANUP(in_free_message) ProtobufCMessage *message = NULL;
	const char *key;
	json_t *value;

	message = malloc(type->sizeof_message);
	if (!message)
		return fault_set(fault, -ENOMEM, "out of memory");
	protobuf_c_message_init(type, message);
	/* jansson's iterator takes no const, yet changes nothing. */
	json_object_foreach((json_t *)object, key, value)
	{
		int r = in_member(type, object, key, value, path, message, fault);

		if (r < 0)
			return r;
	}
	*ret = STEAL(message);
	return 0;
}

/* Whether arrays and objects nest within bounds: jansson recurses, up to 2048 deep. */
static bool in_depth_fits(const char *json, size_t len)
{
	bool quoted = false;
	unsigned depth = 0;

	for (size_t i = 0; i < len; i++) {
		char c = json[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '{' || c == '['))
			depth++;
		else if (!quoted && (c == '}' || c == ']') && depth > 0)
			depth--;
		if (depth > REST_DEPTH_MAX)
			return false;
	}
	return true;
}

static int in_refuse_syntax(const json_error_t *error, struct fault *fault)
{
	switch (json_error_code(error)) {
	case json_error_out_of_memory:
		return fault_set(fault, -ENOMEM, "out of memory");
	case json_error_duplicate_key:
		return fault_set(fault, -EINVAL, "duplicate field at line %d, column %d: %s",
			error->line, error->column, error->text);
	default:
		return fault_set(fault, -EINVAL, "invalid JSON at line %d, column %d: %s",
			error->line, error->column, error->text);
	}
}

int rest_transcode_read(const ProtobufCMessageDescriptor *type, const char *json, size_t len,
	ProtobufCMessage **ret, struct fault *fault)
{
	CLEANUP(in_free_json) json_t *root = NULL;
	json_error_t error;

	if (len == 0)
		return fault_set(fault, -EINVAL, "empty body: expected a JSON object");
	if (!in_depth_fits(json, len))
		return fault_set(fault, -EINVAL, "arrays and objects nest more than %d levels deep",
			REST_DEPTH_MAX);
	root = json_loadb(json, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (!root)
		return in_refuse_syntax(&error, fault);
	if (!json_is_object(root))
		return fault_set(
			fault, -EINVAL, "body: expected a JSON object, got %s", in_type_name(root));
	return in_message(type, root, NULL, ret, fault);
}
