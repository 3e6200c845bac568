/* SPDX-License-Identifier: MIT */
/* Operations of the document. */
#include "tools/protoc-gen-vfiod/operation.h"
#include "tools/protoc-gen-vfiod/example.h"
#include "tools/protoc-gen-vfiod/failure.h"
#include "tools/protoc-gen-vfiod/schema.h"

#include <string.h>

/* The comment's first line is the summary; the rest, after a blank line, the description. */
static void put_comment(json_t *operation, const char *comment)
{
	size_t len = strcspn(comment, "\n");

	doc_put(operation, "summary", json_stringn(comment, len));
	doc_put_text(operation, "description", comment + len + strspn(comment + len, "\n"));
}

static json_t *query_parameter(const struct field *field)
{
	json_t *parameter = json_object();

	doc_put_text(parameter, "name", field->proto->name);
	doc_put_text(parameter, "in", "query");
	doc_put_text(parameter, "description", field->source.comment);
	if (field->rules->required)
		doc_put(parameter, "required", json_true());
	doc_put(parameter, "schema", schema_value(field));
	if (*field->rules->example)
		doc_put(parameter, "example",
			json_loads(field->rules->example, JSON_DECODE_ANY, NULL));
	return parameter;
}

static json_t *query_parameters(const struct type *type)
{
	json_t *parameters = json_array();

	for (size_t i = 0; i < type->field_count; i++)
		doc_append(parameters, query_parameter(&type->fields[i]));
	return parameters;
}

static json_t *request_body(const struct method *method)
{
	json_t *body = json_object();

	doc_put(body, "required", json_true());
	doc_put(body, "content",
		doc_content(doc_ref("schemas", method->input->schema), example_request(method)));
	return body;
}

static json_t *operation_answer(const struct method *method)
{
	const struct field *whole = model_response_body(method);
	const char *comment = whole ? whole->source.comment : method->output->source.comment;
	json_t *schema = whole ? schema_value(whole) : doc_ref("schemas", method->output->schema);
	json_t *response = json_object();

	doc_put_text(response, "description", *comment ? comment : "Success.");
	doc_put(response, "content", doc_content(schema, example_answer(method)));
	return response;
}

json_t *operation_new(const struct method *method)
{
	unsigned failures = FAILURE_OF_ACCESS | FAILURE_OF_PEER | FAILURE_OF_CALL;
	json_t *operation = json_object();
	json_t *tags = json_array();
	json_t *responses = json_object();

	doc_append(tags, json_string(method->operation->tag));
	doc_put(operation, "tags", tags);
	doc_put_text(operation, "operationId", method->operation->id);
	put_comment(operation, method->source.comment);
	if (model_has_body(method)) {
		doc_put(operation, "requestBody", request_body(method));
		failures |= FAILURE_OF_BODY;
	} else if (method->input->field_count > 0) {
		doc_put(operation, "parameters", query_parameters(method->input));
	}
	if (method->changes)
		failures |= FAILURE_OF_CHANGE;
	doc_put(responses, "200", operation_answer(method));
	failure_put_refs(responses, failures);
	doc_put(operation, "responses", responses);
	return operation;
}
