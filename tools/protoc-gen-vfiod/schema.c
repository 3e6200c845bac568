/* SPDX-License-Identifier: MIT */
/* Messages, enums and fields as JSON Schema. */
#include "tools/protoc-gen-vfiod/schema.h"

#include <string.h>

#define FIELD_TYPE(name) GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_##name

/* The canonical JSON form of a scalar: 64 bits do not fit a JSON number, so they are text. */
struct scalar {
	const char *type;
	const char *format; /* NULL: none */
};

static struct scalar scalar_of(const FieldProto *proto)
{
	switch (proto->type) {
	case FIELD_TYPE(DOUBLE):
		return (struct scalar){"number", "double"};
	case FIELD_TYPE(FLOAT):
		return (struct scalar){"number", "float"};
	case FIELD_TYPE(INT32):
	case FIELD_TYPE(SINT32):
	case FIELD_TYPE(SFIXED32):
		return (struct scalar){"integer", "int32"};
	case FIELD_TYPE(UINT32):
	case FIELD_TYPE(FIXED32):
		return (struct scalar){"integer", "uint32"};
	case FIELD_TYPE(INT64):
	case FIELD_TYPE(SINT64):
	case FIELD_TYPE(SFIXED64):
		return (struct scalar){"string", "int64"};
	case FIELD_TYPE(UINT64):
	case FIELD_TYPE(FIXED64):
		return (struct scalar){"string", "uint64"};
	case FIELD_TYPE(BOOL):
		return (struct scalar){"boolean", NULL};
	default:
		return (struct scalar){"string", NULL};
	}
}

static json_t *schema_element(const struct field *field)
{
	struct scalar scalar = scalar_of(field->proto);
	json_t *schema;

	if (field->type)
		return doc_ref("schemas", field->type->schema);
	schema = json_object();
	doc_put_text(schema, "type", scalar.type);
	if (scalar.format)
		doc_put_text(schema, "format", scalar.format);
	if (scalar.format && !strcmp(scalar.format, "uint32"))
		doc_put(schema, "minimum", json_integer(0));
	if (field->proto->type == FIELD_TYPE(BYTES))
		doc_put_text(schema, "contentEncoding", "base64");
	doc_put_text(schema, "pattern", field->rules->pattern);
	return schema;
}

json_t *schema_value(const struct field *field)
{
	json_t *schema;

	if (!field->repeated)
		return schema_element(field);
	schema = json_object();
	doc_put_text(schema, "type", "array");
	doc_put(schema, "items", schema_element(field));
	if (field->rules->required)
		doc_put(schema, "minItems", json_integer(1));
	if (field->rules->max_items)
		doc_put(schema, "maxItems", json_integer(field->rules->max_items));
	return schema;
}

json_t *schema_property(const struct field *field)
{
	json_t *schema = schema_value(field);

	doc_put_text(schema, "description", field->source.comment);
	if (*field->rules->example) {
		json_t *examples = json_array();

		doc_append(examples, json_loads(field->rules->example, JSON_DECODE_ANY, NULL));
		doc_put(schema, "examples", examples);
	}
	return schema;
}

/* An answer carries every field but those that can be absent, and of these the ones whose rules
 * promise it; a message that is also sent keeps to the request's rules, which promise less. */
static bool is_required(const struct type *type, const struct field *field)
{
	bool can_be_absent =
		field->in_oneof || (!field->repeated && field->type && field->type->message);

	return field->rules->required || (!type->in_request && !can_be_absent);
}

static json_t *required_names(const struct type *type)
{
	json_t *names = json_array();

	for (size_t i = 0; i < type->field_count; i++)
		if (is_required(type, &type->fields[i]))
			doc_append(names, json_string(type->fields[i].proto->name));
	return names;
}

/* The names of a oneof's members: "`a`, `b`". A oneof of one says presence, no choice. */
static const char *oneof_members(struct pool *pool, const struct type *type, size_t oneof)
{
	const char *names = NULL;
	bool choice = false;

	for (size_t i = 0; i < type->field_count; i++) {
		const struct field *field = &type->fields[i];

		if (!field->in_oneof || (size_t)field->proto->oneof_index != oneof)
			continue;
		choice = names;
		names = pool_printf(pool, "%s%s`%s`", names ? names : "", names ? ", " : "",
			field->proto->name);
	}
	return choice ? names : NULL;
}

/* In words: generators make unusable clients of JSON Schema's own oneOf. */
static const char *message_description(struct pool *pool, const struct type *type)
{
	const char *text = type->source.comment;

	for (size_t i = 0; i < type->message->n_oneof_decl; i++) {
		const char *members = oneof_members(pool, type, i);

		if (members)
			text = pool_printf(pool, "%s%sAt most one of %s is set.", text,
				*text ? "\n\n" : "", members);
	}
	return text;
}

static json_t *schema_message(struct pool *pool, const struct type *type)
{
	json_t *schema = json_object();
	json_t *properties = json_object();
	json_t *required = required_names(type);

	doc_put_text(schema, "type", "object");
	doc_put_text(schema, "description", message_description(pool, type));
	for (size_t i = 0; i < type->field_count; i++)
		doc_put(properties, type->fields[i].proto->name, schema_property(&type->fields[i]));
	doc_put(schema, "properties", properties);
	if (json_array_size(required) > 0)
		doc_put(schema, "required", required);
	else
		json_decref(required);
	if (type->in_request && !type->in_answer)
		doc_put(schema, "additionalProperties", json_false());
	return schema;
}

static json_t *schema_enum(struct pool *pool, const struct type *type)
{
	json_t *schema = json_object();
	json_t *names = json_array();
	const char *text = type->source.comment;
	const char *separator = *text ? "\n\n" : "";

	for (size_t i = 0; i < type->enumeration->n_value; i++) {
		const char *name = type->enumeration->value[i]->name;

		doc_append(names, json_string(name));
		if (!*type->values[i].comment)
			continue;
		text = pool_printf(
			pool, "%s%s- `%s`: %s", text, separator, name, type->values[i].comment);
		separator = "\n";
	}
	doc_put_text(schema, "type", "string");
	doc_put_text(schema, "description", text);
	doc_put(schema, "enum", names);
	return schema;
}

json_t *schema_type(struct pool *pool, const struct type *type)
{
	return type->message ? schema_message(pool, type) : schema_enum(pool, type);
}
