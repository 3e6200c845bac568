/* SPDX-License-Identifier: MIT */
/* The error answers of the REST face. */
#include "tools/protoc-gen-vfiod/failure.h"
#include "tools/protoc-gen-vfiod/example.h"

#include <string.h>

static const struct failure {
	const char *http;
	const char *name; /* of the component */
	enum failure_of of;
	const char *description;
	int code; /* the example's google.rpc.Code … */
	const char *status;
	const char *text;
} failures[] = {
	{"400", "BadRequest", FAILURE_OF_CALL,
		"The request is malformed (INVALID_ARGUMENT), or the state of a device forbids it (FAILED_PRECONDITION; `details` tells which device and why).",
		9, "FAILED_PRECONDITION", "device 0000:01:00.0 is in use"},
	{"401", "Unauthorized", FAILURE_OF_ACCESS, "The API key is missing or wrong.", 16,
		"UNAUTHENTICATED", "invalid api key"},
	{"403", "Forbidden", FAILURE_OF_PEER, "The caller's address or user is not let in.", 7,
		"PERMISSION_DENIED", "access denied"},
	{"404", "NotFound", FAILURE_OF_BODY, "A device of the request does not exist.", 5,
		"NOT_FOUND", "PCI device not found: 0000:01:00.0"},
	{"409", "Conflict", FAILURE_OF_CHANGE,
		"A step was refused and everything was undone, or another change is in the way.",
		10, "ABORTED", "the kernel refused to bind 0000:01:00.0; everything was undone"},
	{"413", "ContentTooLarge", FAILURE_OF_BODY, "The body is longer than 128 KiB.", 3,
		"INVALID_ARGUMENT", "the request body is longer than 131072 bytes"},
	{"415", "UnsupportedMediaType", FAILURE_OF_BODY, "The body is not application/json.", 3,
		"INVALID_ARGUMENT", "Content-Type must be application/json"},
	{"429", "TooManyRequests", FAILURE_OF_CALL, "Too much is waiting already: try again later.",
		8, "RESOURCE_EXHAUSTED", "the queue is full: try again later"},
	{"500", "InternalServerError", FAILURE_OF_CALL, "The daemon failed: see its log.", 13,
		"INTERNAL", "internal error"},
	{"503", "ServiceUnavailable", FAILURE_OF_CALL,
		"The daemon, or the part of it that makes changes, is not there.", 14,
		"UNAVAILABLE", "the service is not available: try again later"},
	{"504", "GatewayTimeout", FAILURE_OF_CALL,
		"The call did not end in time. A change may still end later: repeat the request to learn its outcome.",
		4, "DEADLINE_EXCEEDED", "the call did not end in time"},
};

static const size_t failure_count = sizeof(failures) / sizeof(failures[0]);

void failure_put_refs(json_t *responses, unsigned set)
{
	for (size_t i = 0; i < failure_count; i++)
		if (failures[i].of & set)
			doc_put(responses, failures[i].http,
				doc_ref("responses", failures[i].name));
}

static json_t *failure_example(const struct model *model, const struct failure *failure)
{
	json_t *example = json_object();
	json_t *details = json_array();

	/* The one code that always has a device to tell of. */
	if (model->detail && !strcmp(failure->status, "FAILED_PRECONDITION"))
		doc_append(details, example_message(model->detail));
	doc_put_text(example, "error", failure->text);
	doc_put(example, "code", json_integer(failure->code));
	doc_put_text(example, "status", failure->status);
	doc_put_text(example, "message", failure->text);
	doc_put(example, "details", details);
	return example;
}

json_t *failure_components(const struct model *model)
{
	json_t *responses = json_object();

	for (size_t i = 0; i < failure_count; i++) {
		json_t *response = json_object();

		doc_put_text(response, "description", failures[i].description);
		doc_put(response, "content",
			doc_content(
				doc_ref("schemas", "Error"), failure_example(model, &failures[i])));
		doc_put(responses, failures[i].name, response);
	}
	return responses;
}

static void put_property(json_t *properties, const char *name, const char *type, const char *text)
{
	json_t *property = json_object();

	doc_put_text(property, "type", type);
	doc_put_text(property, "description", text);
	doc_put(properties, name, property);
}

/* google.rpc.Code without OK, in the order of the numbers. The list is closed, so that a client can
 * tell by its types which of them are left to be handled. */
static const char *const code_names[] = {"CANCELLED", "UNKNOWN", "INVALID_ARGUMENT",
	"DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
	"RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
	"INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"};

static const int code_count = sizeof(code_names) / sizeof(code_names[0]);

static json_t *code_property(void)
{
	return json_pack("{s:s, s:s, s:i, s:i, s:s}", "type", "integer", "format", "int32",
		"minimum", 1, "maximum", code_count, "description", "The google.rpc.Code.");
}

static json_t *status_property(void)
{
	json_t *names = json_array();

	for (int i = 0; i < code_count; i++)
		doc_append(names, json_string(code_names[i]));
	return json_pack("{s:s, s:s, s:o}", "type", "string", "description",
		"The code's name, for programs.", "enum", names);
}

static json_t *details_property(const struct model *model)
{
	json_t *property = json_object();
	json_t *items;

	if (model->detail) {
		items = doc_ref("schemas", model->detail->schema);
	} else {
		items = json_object();
		doc_put_text(items, "type", "object");
	}
	doc_put_text(property, "type", "array");
	doc_put_text(property, "description", "One entry for each offending device.");
	doc_put(property, "items", items);
	return property;
}

json_t *failure_schema(const struct model *model)
{
	static const char *const names[] = {"error", "code", "status", "message", "details"};
	json_t *schema = json_object();
	json_t *properties = json_object();
	json_t *required = json_array();

	put_property(properties, "error", "string", "What failed, for a person.");
	doc_put(properties, "code", code_property());
	doc_put(properties, "status", status_property());
	put_property(properties, "message", "string", "The same text as `error`.");
	doc_put(properties, "details", details_property(model));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		doc_append(required, json_string(names[i]));
	doc_put_text(schema, "type", "object");
	doc_put_text(schema, "description", "Why a request failed; every error has this shape.");
	doc_put(schema, "properties", properties);
	doc_put(schema, "required", required);
	return schema;
}
