/* SPDX-License-Identifier: MIT */
/* Messages into JSON. */
#include "rest/field.h"
#include "rest/transcode.h"

#include <errno.h>
#include <string.h>

static int out_message(struct rest_json *json, const ProtobufCMessage *message, unsigned depth);

static void out_string(struct rest_json *json, const char *text)
{
	rest_json_string(json, text ? text : "", text ? strlen(text) : 0);
}

static void out_enum(struct rest_json *json, const ProtobufCEnumDescriptor *type, int number)
{
	const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(type, number);

	if (value)
		out_string(json, value->name);
	else
		rest_json_signed(json, number);
}

/* JSON's numbers are doubles to most readers, so 64 bits travel as strings. */
static void out_long(struct rest_json *json, const void *slot, bool is_signed)
{
	rest_json_literal(json, "\"");
	if (is_signed)
		rest_json_signed(json, *(const int64_t *)slot);
	else
		rest_json_unsigned(json, *(const uint64_t *)slot);
	rest_json_literal(json, "\"");
}

static void out_scalar(
	struct rest_json *json, const ProtobufCFieldDescriptor *field, const void *slot)
{
	const ProtobufCBinaryData *bytes = slot;

	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		out_string(json, *(char *const *)slot);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		rest_json_base64(json, bytes->data, bytes->len);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		if (*(const protobuf_c_boolean *)slot)
			rest_json_literal(json, "true");
		else
			rest_json_literal(json, "false");
		break;
	case PROTOBUF_C_TYPE_ENUM:
		out_enum(json, field->descriptor, *(const int *)slot);
		break;
	case PROTOBUF_C_TYPE_FLOAT:
		rest_json_float(json, *(const float *)slot);
		break;
	case PROTOBUF_C_TYPE_DOUBLE:
		rest_json_double(json, *(const double *)slot);
		break;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		rest_json_unsigned(json, *(const uint32_t *)slot);
		break;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		out_long(json, slot, false);
		break;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		out_long(json, slot, true);
		break;
	default:
		rest_json_signed(json, *(const int32_t *)slot);
	}
}

static int out_value(struct rest_json *json, const ProtobufCFieldDescriptor *field,
	const void *slot, unsigned depth)
{
	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		return out_message(json, *(ProtobufCMessage *const *)slot, depth + 1);
	out_scalar(json, field, slot);
	return 0;
}

static int out_array(struct rest_json *json, const ProtobufCFieldDescriptor *field,
	const ProtobufCMessage *message, unsigned depth)
{
	const char *base = (const char *)message;
	size_t count = *(const size_t *)(base + field->quantifier_offset);
	const char *elements = *(const char *const *)(base + field->offset);
	size_t size = rest_field_size(field);

	rest_json_literal(json, "[");
	for (size_t i = 0; i < count; i++) {
		int r;

		if (i > 0)
			rest_json_literal(json, ",");
		r = out_value(json, field, elements + i * size, depth + 1);
		if (r < 0)
			return r;
	}
	rest_json_literal(json, "]");
	return 0;
}

/* Whether a singular field is written: always, but for what has no value and no default. */
static bool out_is_present(const ProtobufCFieldDescriptor *field, const ProtobufCMessage *message)
{
	const char *base = (const char *)message;
	uint32_t note = *(const uint32_t *)(base + field->quantifier_offset);
	bool pointer =
		field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;

	if (rest_field_in_oneof(field))
		return note == field->id;
	if (field->type == PROTOBUF_C_TYPE_MESSAGE || field->label == PROTOBUF_C_LABEL_OPTIONAL)
		return pointer ? *(void *const *)(base + field->offset) != NULL : note != 0;
	return true;
}

static int out_field(struct rest_json *json, const ProtobufCFieldDescriptor *field,
	const ProtobufCMessage *message, unsigned depth)
{
	if (rest_field_is_map(field))
		return -EINVAL;
	if (rest_field_is_repeated(field))
		return out_array(json, field, message, depth);
	return out_value(json, field, (const char *)message + field->offset, depth);
}

static int out_message(struct rest_json *json, const ProtobufCMessage *message, unsigned depth)
{
	const ProtobufCMessageDescriptor *type = message->descriptor;
	const char *before = "{\"";

	if (depth > REST_DEPTH_MAX)
		return -EINVAL;
	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		int r;

		if (!rest_field_is_repeated(field) && !out_is_present(field, message))
			continue;
		rest_json_raw(json, before, 2);
		rest_json_raw(json, field->name, strlen(field->name));
		rest_json_literal(json, "\":");
		before = ",\"";
		r = out_field(json, field, message, depth);
		if (r < 0)
			return r;
	}
	if (*before == '{')
		rest_json_literal(json, "{");
	rest_json_literal(json, "}");
	return 0;
}

int rest_transcode_write(struct rest_json *json, const ProtobufCMessage *message)
{
	return out_message(json, message, 1);
}

int rest_transcode_write_field(
	struct rest_json *json, const ProtobufCMessage *message, const char *name)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);

	if (!field)
		return -EINVAL;
	if (!rest_field_is_repeated(field) && !out_is_present(field, message)) {
		rest_json_literal(json, "null");
		return 0;
	}
	return out_field(json, field, message, 1);
}
