/* SPDX-License-Identifier: MIT */
/* What the plugin refuses: methods and types. */
#include "tools/protoc-gen-vfiod/check.h"
#include "tools/protoc-gen-vfiod/check_http.h"

#include <string.h>

static void check_streaming(const struct method *method, struct report *report)
{
	if (method->proto->client_streaming || method->proto->server_streaming)
		report_at(report, &method->source,
			"%s streams: a call has one request and one reply", method->name);
}

/* protobuf-c unpacks without a limit of depth. Each type is entered once in all, so that each
 * cycle is told once, at the field that closes it. */
static void check_recursion(const struct method *method, struct type *type, struct report *report)
{
	type->visit = VISIT_OPEN;
	for (size_t i = 0; i < type->field_count; i++) {
		const struct field *field = &type->fields[i];

		if (!field->type || field->type->visit == VISIT_DONE)
			continue;
		if (field->type->visit == VISIT_OPEN)
			report_at(report, &field->source,
				"%s.%s makes the request of %s recursive, and unpacking it could exhaust the stack",
				type->name, field->proto->name, method->name);
		else
			check_recursion(method, field->type, report);
	}
	type->visit = VISIT_DONE;
}

static void check_mark(struct type *type, bool request)
{
	bool *flag = request ? &type->in_request : &type->in_answer;

	if (*flag)
		return;
	*flag = true;
	for (size_t i = 0; i < type->field_count; i++)
		if (type->fields[i].type)
			check_mark(type->fields[i].type, request);
}

static void mark_method(const struct method *method)
{
	const struct field *whole = model_response_body(method);

	if (model_has_body(method))
		check_mark(method->input, true);
	if (!*method->http->response_body)
		check_mark(method->output, false);
	else if (whole && whole->type)
		check_mark(whole->type, false);
}

static bool is_message(const struct field *field)
{
	return field->type && field->type->message;
}

static bool is_map(const struct field *field)
{
	return is_message(field) && field->type->message->options &&
	       field->type->message->options->map_entry;
}

/* Types such as Timestamp have a JSON form of their own. */
static bool is_well_known(const struct type *type)
{
	return !strncmp(type->name, "google.protobuf.", strlen("google.protobuf."));
}

/* Whether the field can be JSON, as rest/ writes it. */
static void check_json(const struct field *field, struct report *report)
{
	const char *owner = field->owner->name;
	const char *name = field->proto->name;

	if (field->proto->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_GROUP)
		report_at(report, &field->source, "%s.%s is a group, which has no JSON form", owner,
			name);
	else if (is_map(field))
		report_at(report, &field->source,
			"%s.%s is a map, which the REST face does not carry: use a repeated message",
			owner, name);
	else if (is_message(field) && is_well_known(field->type))
		report_at(report, &field->source,
			"%s.%s is a %s, whose own JSON form the REST face does not write", owner,
			name, field->type->name);
}

static void check_query(const struct method *method, struct report *report)
{
	for (size_t i = 0; i < method->input->field_count; i++) {
		const struct field *field = &method->input->fields[i];

		if (is_message(field))
			report_at(report, &field->source,
				"%s.%s is a message, which the query string of %s cannot carry",
				field->owner->name, field->proto->name, method->name);
	}
}

static void check_schema_name(
	const struct model *model, const struct type *type, struct report *report)
{
	struct type *other;

	if (!strcmp(type->schema, "Error"))
		report_at(report, &type->source,
			"%s would be schema Error, which is the shape of errors", type->name);
	STAILQ_FOREACH(other, &model->types, next)
	{
		if (other == type)
			break;
		if ((other->in_request || other->in_answer) && !strcmp(other->schema, type->schema))
			report_at(report, &type->source, "%s would be schema %s, as %s (%s:%d) is",
				type->name, type->schema, other->name, other->source.file,
				other->source.line);
	}
}

static void check_types(const struct model *model, struct report *report)
{
	struct type *type;

	STAILQ_FOREACH(type, &model->types, next)
	{
		if (!type->in_request && !type->in_answer)
			continue;
		check_schema_name(model, type, report);
		if (is_well_known(type))
			continue;
		for (size_t i = 0; i < type->field_count; i++)
			check_json(&type->fields[i], report);
	}
}

static void check_method(const struct method *method, struct report *report)
{
	check_streaming(method, report);
	if (method->input->visit == VISIT_NONE)
		check_recursion(method, method->input, report);
	if (!method->http)
		return;
	if (is_well_known(method->input) || is_well_known(method->output))
		report_at(report, &method->source,
			"%s has HTTP and a google.protobuf type, whose own JSON form the REST face does not write",
			method->name);
	mark_method(method);
	if (!model_has_body(method))
		check_query(method, report);
}

void check_model(struct model *model, struct report *report)
{
	for (size_t i = 0; i < model->method_count; i++)
		check_method(&model->methods[i], report);
	if (model->detail)
		check_mark(model->detail, false);
	check_types(model, report);
	check_http(model, report);
}
