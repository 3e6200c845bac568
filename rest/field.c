/* SPDX-License-Identifier: MIT */
/* Finding, measuring and filling the fields of a message. */
#include "rest/field.h"

#include "core/base/util.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *rest_path_text(const struct rest_path *path, char *text, size_t size)
{
	size_t len;

	text[0] = '\0';
	if (!path)
		return text;
	rest_path_text(path->up, text, size);
	len = strlen(text);
	snprintf(text + len, size - len, "%s%.100s", path->up ? "." : "", path->name);
	len = strlen(text);
	if (path->index >= 0)
		snprintf(text + len, size - len, "[%ld]", path->index);
	return text;
}

const char *rest_field_camel(const ProtobufCFieldDescriptor *field, char *text, size_t size)
{
	size_t len = 0;
	bool raise = false;

	for (const char *c = field->name; *c && len + 1 < size; c++) {
		if (*c == '_') {
			raise = true;
			continue;
		}
		text[len++] = raise && *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
		raise = false;
	}
	text[len] = '\0';
	return text;
}

const ProtobufCFieldDescriptor *rest_field_find(
	const ProtobufCMessageDescriptor *type, const char *name)
{
	const ProtobufCFieldDescriptor *field;
	char camel[128];

	field = protobuf_c_message_descriptor_get_field_by_name(type, name);
	if (field)
		return field;
	for (unsigned i = 0; i < type->n_fields; i++)
		if (strcmp(rest_field_camel(&type->fields[i], camel, sizeof(camel)), name) == 0)
			return &type->fields[i];
	return NULL;
}

bool rest_field_is_repeated(const ProtobufCFieldDescriptor *field)
{
	return field->label == PROTOBUF_C_LABEL_REPEATED;
}

bool rest_field_in_oneof(const ProtobufCFieldDescriptor *field)
{
	return field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF;
}

bool rest_field_is_map(const ProtobufCFieldDescriptor *field)
{
	const ProtobufCMessageDescriptor *entry = field->descriptor;
	size_t len;

	if (!rest_field_is_repeated(field) || field->type != PROTOBUF_C_TYPE_MESSAGE)
		return false;
	len = strlen(entry->short_name);
	return entry->n_fields == 2 && entry->fields[0].id == 1 && entry->fields[1].id == 2 &&
	       strcmp(entry->fields[0].name, "key") == 0 &&
	       strcmp(entry->fields[1].name, "value") == 0 && len > 5 &&
	       strcmp(entry->short_name + len - 5, "Entry") == 0;
}

size_t rest_field_size(const ProtobufCFieldDescriptor *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_ENUM:
		return 4;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return 8;
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		break;
	}
	return sizeof(void *);
}

size_t *rest_field_count(const ProtobufCFieldDescriptor *field, ProtobufCMessage *message)
{
	return (size_t *)((char *)message + field->quantifier_offset);
}

void *rest_field_slot(const ProtobufCFieldDescriptor *field, ProtobufCMessage *message)
{
	return (char *)message + field->offset;
}

/* protobuf-c notes presence in a 32-bit place: a oneof's case, or a proto2 "has" flag. Strings
 * and messages outside a oneof have none, their pointer tells. */
static uint32_t *field_note(const ProtobufCFieldDescriptor *field, ProtobufCMessage *message)
{
	bool pointer =
		field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;

	if (rest_field_in_oneof(field) || (field->label == PROTOBUF_C_LABEL_OPTIONAL && !pointer))
		return (uint32_t *)((char *)message + field->quantifier_offset);
	return NULL;
}

void rest_field_mark(const ProtobufCFieldDescriptor *field, ProtobufCMessage *message)
{
	uint32_t *note = field_note(field, message);

	if (note)
		*note = rest_field_in_oneof(field) ? field->id : 1;
}

bool rest_field_oneof_taken(const ProtobufCFieldDescriptor *field, ProtobufCMessage *message)
{
	const uint32_t *note = field_note(field, message);

	return note && rest_field_in_oneof(field) && *note != 0;
}

static bool field_is_unsigned(const ProtobufCFieldDescriptor *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return true;
	default:
		return false;
	}
}

bool rest_field_store_integer(
	const ProtobufCFieldDescriptor *field, bool negative, uint64_t amount, void *slot)
{
	size_t size = rest_field_size(field);
	uint64_t most = size == 4 ? UINT32_MAX : UINT64_MAX;
	uint64_t value = negative ? -amount : amount;
	uint32_t low = (uint32_t)value;

	if (field_is_unsigned(field)) {
		if (amount > most || (negative && amount != 0))
			return false;
	} else if (amount > most / 2 + (negative ? 1 : 0)) {
		return false;
	}
	if (size == 4)
		memcpy(slot, &low, sizeof(low));
	else
		memcpy(slot, &value, sizeof(value));
	return true;
}

bool rest_field_store_real(const ProtobufCFieldDescriptor *field, double value, void *slot)
{
	if (field->type == PROTOBUF_C_TYPE_DOUBLE) {
		memcpy(slot, &value, sizeof(value));
		return true;
	}
	if (isfinite(value) && fabs(value) > (double)FLT_MAX)
		return false;
	*(float *)slot = (float)value;
	return true;
}

const char *rest_field_wants(const ProtobufCFieldDescriptor *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		return "string";
	case PROTOBUF_C_TYPE_BYTES:
		return "base64 string";
	case PROTOBUF_C_TYPE_BOOL:
		return "boolean";
	case PROTOBUF_C_TYPE_ENUM:
		return "enum name";
	case PROTOBUF_C_TYPE_MESSAGE:
		return "object";
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_DOUBLE:
		return "number";
	default:
		return "integer";
	}
}

static int field_refuse(const ProtobufCFieldDescriptor *field, const char *text,
	const struct rest_path *path, struct fault *fault)
{
	char where[160];

	return fault_set(fault, -EINVAL, "%s: expected %s, got \"%.60s\"",
		rest_path_text(path, where, sizeof(where)), rest_field_wants(field), text);
}

/* Only what JSON's grammar calls an integer: no blanks, no plus sign, no leading zeros. */
static bool field_scan_integer(const char *text, bool *ret_negative, uint64_t *ret_amount)
{
	const char *digits = text + (*text == '-');
	size_t len = strlen(digits);
	char *end;

	if (len == 0 || strspn(digits, "0123456789") != len || (*digits == '0' && len > 1))
		return false;
	errno = 0;
	*ret_amount = strtoull(digits, &end, 10);
	*ret_negative = *text == '-';
	return errno == 0;
}

static bool field_scan_real(const char *text, double *ret)
{
	static const struct {
		const char *name;
		double value;
	} names[] = {{"NaN", (double)NAN}, {"Infinity", (double)INFINITY},
		{"-Infinity", -(double)INFINITY}};
	char *end;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i].name) == 0) {
			*ret = names[i].value;
			return true;
		}
	}
	/* strtod would take blanks, hex and "inf" too. */
	if (*text == '\0' || text[strspn(text, "0123456789+-.eE")] != '\0')
		return false;
	*ret = strtod(text, &end);
	return *end == '\0' && isfinite(*ret);
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	if (c == '/' || c == '_')
		return 63;
	return -1;
}

/* Standard and URL-safe alphabets, padded or not, as proto3 JSON has it. */
static int field_parse_bytes(const char *text, size_t len, ProtobufCBinaryData *slot)
{
	CLEANUP(free_cleanup) uint8_t *data = NULL;
	size_t padding = 0, n = 0;
	uint32_t bits = 0;

	while (padding < 2 && len > 0 && text[len - 1] == '=') {
		len--;
		padding++;
	}
	if (len % 4 == 1 || (padding && (len + padding) % 4))
		return -EINVAL;
	data = malloc(len / 4 * 3 + 3);
	if (!data)
		return -ENOMEM;
	for (size_t i = 0; i < len; i++) {
		int digit = base64_digit(text[i]);

		if (digit < 0)
			return -EINVAL;
		/* Each digit after the first of four completes a byte: 12, 18, 24 bits are there,
		 * of which 8, 16, 24 are whole bytes. */
		bits = bits << 6 | (uint32_t)digit;
		if (i % 4)
			data[n++] = (uint8_t)(bits >> (6 - i % 4 * 2));
	}
	slot->len = n;
	slot->data = STEAL(data);
	return 0;
}

static int field_parse_string(const char *text, size_t len, char **slot)
{
	char *copy = malloc(len + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, len + 1);
	*slot = copy;
	return 0;
}

static int field_parse_enum(const ProtobufCFieldDescriptor *field, const char *text, void *slot)
{
	const ProtobufCEnumValue *value =
		protobuf_c_enum_descriptor_get_value_by_name(field->descriptor, text);

	if (!value)
		return -EINVAL;
	*(int *)slot = value->value;
	return 0;
}

static int field_parse_bool(const char *text, protobuf_c_boolean *slot)
{
	bool yes = strcmp(text, "true") == 0;

	if (!yes && strcmp(text, "false") != 0)
		return -EINVAL;
	*slot = yes;
	return 0;
}

static int field_parse_number(const ProtobufCFieldDescriptor *field, const char *text, void *slot)
{
	bool negative;
	uint64_t amount;
	double real;
	bool ok;

	if (field->type == PROTOBUF_C_TYPE_FLOAT || field->type == PROTOBUF_C_TYPE_DOUBLE)
		ok = field_scan_real(text, &real) && rest_field_store_real(field, real, slot);
	else
		ok = field_scan_integer(text, &negative, &amount) &&
		     rest_field_store_integer(field, negative, amount, slot);
	return ok ? 0 : -EINVAL;
}

int rest_field_parse(const ProtobufCFieldDescriptor *field, const char *text, size_t len,
	void *slot, const struct rest_path *path, struct fault *fault)
{
	int r;

	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		r = field_parse_string(text, len, slot);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		r = field_parse_bytes(text, len, slot);
		break;
	case PROTOBUF_C_TYPE_ENUM:
		r = field_parse_enum(field, text, slot);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		r = field_parse_bool(text, slot);
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		r = -EINVAL;
		break;
	default:
		r = field_parse_number(field, text, slot);
	}
	if (r == -ENOMEM)
		return fault_set(fault, r, "out of memory");
	return r == -EINVAL ? field_refuse(field, text, path, fault) : r;
}
