/* SPDX-License-Identifier: MIT */
/* Examples: those the .proto files give, held against the messages they are of. */
#include "tools/protoc-gen-vfiod/example.h"

#include <string.h>

static bool is_message(const struct field *field)
{
	return field->type && field->type->message;
}

static const char *enum_default(const struct type *type)
{
	for (size_t i = 0; i < type->enumeration->n_value; i++)
		if (type->enumeration->value[i]->number == 0)
			return type->enumeration->value[i]->name;
	return type->enumeration->value[0]->name;
}

static json_t *example_parse(const char *text)
{
	return json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
}

/* What an answer prints for a field that was not set. */
static json_t *default_value(const struct field *field)
{
	if (field->repeated)
		return json_array();
	if (field->type)
		return json_string(enum_default(field->type));
	switch (field->proto->type) {
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_BOOL:
		return json_false();
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_STRING:
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_BYTES:
		return json_string("");
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_INT64:
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SINT64:
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SFIXED64:
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_UINT64:
	case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FIXED64:
		return json_string("0");
	default:
		return json_integer(0);
	}
}

static json_t *complete_message(const struct type *type, const json_t *given);

static json_t *complete_value(const struct field *field, json_t *given)
{
	json_t *array;
	json_t *item;
	size_t i;

	if (!is_message(field))
		return json_incref(given);
	if (!field->repeated)
		return complete_message(field->type, given);
	array = json_array();
	json_array_foreach(given, i, item)
	{
		doc_append(array, complete_message(field->type, item));
	}
	return array;
}

static json_t *complete_message(const struct type *type, const json_t *given)
{
	json_t *object = json_object();

	for (size_t i = 0; i < type->field_count; i++) {
		const struct field *field = &type->fields[i];
		json_t *value = json_object_get(given, field->proto->name);

		if (value)
			doc_put(object, field->proto->name, complete_value(field, value));
		else if (field->in_oneof)
			continue;
		else if (*field->rules->example)
			doc_put(object, field->proto->name, example_parse(field->rules->example));
		else if (field->repeated || !is_message(field))
			doc_put(object, field->proto->name, default_value(field));
		else if (field->rules->required)
			doc_put(object, field->proto->name, complete_message(field->type, NULL));
	}
	return object;
}

json_t *example_request(const struct method *method)
{
	const char *text = method->operation->request_example;

	return *text ? example_parse(text) : NULL;
}

json_t *example_answer(const struct method *method)
{
	const char *text = method->operation->response_example;
	const struct field *whole = model_response_body(method);
	json_t *given;
	json_t *complete;

	if (!*text)
		return NULL;
	given = example_parse(text);
	complete = whole ? complete_value(whole, given) : complete_message(method->output, given);
	json_decref(given);
	return complete;
}

json_t *example_message(const struct type *type)
{
	return complete_message(type, NULL);
}

/* Where an example stands, for refusals. */
struct where {
	struct report *report;
	const struct source *source;
	const char *what; /* "request_example of x.v1.S/M" */
};

static void check_message(const struct where *where, const struct type *type, json_t *given);

static void check_value(const struct where *where, const struct field *field, json_t *given)
{
	json_t *item;
	size_t i;

	if (field->repeated && !json_is_array(given))
		report_at(where->report, where->source, "%s: %s must be an array", where->what,
			field->proto->name);
	else if (!is_message(field))
		return;
	else if (!field->repeated)
		check_message(where, field->type, given);
	else
		json_array_foreach(given, i, item)
		{
			check_message(where, field->type, item);
		}
}

static void check_message(const struct where *where, const struct type *type, json_t *given)
{
	const char *key;
	json_t *value;

	if (!json_is_object(given)) {
		report_at(where->report, where->source, "%s: a %s must be an object", where->what,
			type->name);
		return;
	}
	json_object_foreach(given, key, value)
	{
		const struct field *field = model_field(type, key);

		if (field)
			check_value(where, field, value);
		else
			report_at(where->report, where->source, "%s: %s has no field %s",
				where->what, type->name, key);
	}
}

/* Parses text and holds it against field, or against type when there is no field. */
static void check_text(const struct where *where, const struct field *field,
	const struct type *type, const char *text)
{
	json_error_t error;
	json_t *given;

	if (!*text)
		return;
	given = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
	if (!given)
		report_at(where->report, where->source, "%s is not JSON: %s", where->what,
			error.text);
	else if (field)
		check_value(where, field, given);
	else
		check_message(where, type, given);
	json_decref(given);
}

static void check_fields(const struct model *model, const struct type *type, struct report *report)
{
	for (size_t i = 0; i < type->field_count; i++) {
		const struct field *field = &type->fields[i];
		struct where where = {report, &field->source, NULL};

		where.what = pool_printf(
			model->pool, "example of %s.%s", type->name, field->proto->name);
		check_text(&where, field, type, field->rules->example);
	}
}

static void check_operation(
	const struct model *model, const struct method *method, struct report *report)
{
	struct where where = {report, &method->source, NULL};

	where.what = pool_printf(model->pool, "request_example of %s", method->name);
	check_text(&where, NULL, method->input, method->operation->request_example);
	where.what = pool_printf(model->pool, "response_example of %s", method->name);
	check_text(&where, model_response_body(method), method->output,
		method->operation->response_example);
}

void example_check(const struct model *model, struct report *report)
{
	struct type *type;

	STAILQ_FOREACH(type, &model->types, next)
	check_fields(model, type, report);
	for (size_t i = 0; i < model->method_count; i++)
		if (model->methods[i].http && model->methods[i].operation)
			check_operation(model, &model->methods[i], report);
}
