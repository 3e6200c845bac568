/* SPDX-License-Identifier: MIT */
/* What the REST face serves without a method behind it. */
#include "tools/protoc-gen-vfiod/builtin.h"
#include "tools/protoc-gen-vfiod/failure.h"

const struct builtin builtins[] = {
	{"/healthz", "getHealth", "Tell whether the daemon serves",
		"For load balancers and service managers; needs no API key.", true},
	{"/openapi", "getOpenAPI", "Show this document",
		"The OpenAPI document of the running daemon; `/openapi.json` is the same.", false},
	{"/openapi.json", NULL, NULL, NULL, false},
};

const size_t builtin_count = sizeof(builtins) / sizeof(builtins[0]);

/* {"status": "ok"} */
static json_t *health_content(void)
{
	json_t *schema = json_pack("{s:s, s:{s:{s:s, s:[s]}}, s:[s]}", "type", "object",
		"properties", "status", "type", "string", "enum", "ok", "required", "status");

	return doc_content(schema, json_pack("{s:s}", "status", "ok"));
}

/* Any object: without the second word, generators make a type of it that has no properties. */
static json_t *document_content(void)
{
	return doc_content(
		json_pack("{s:s, s:b}", "type", "object", "additionalProperties", true), NULL);
}

json_t *builtin_operation(const struct builtin *builtin)
{
	json_t *operation = json_object();
	json_t *responses = json_object();
	json_t *success = json_object();

	doc_put(operation, "tags", json_pack("[s]", BUILTIN_TAG));
	doc_put_text(operation, "operationId", builtin->id);
	doc_put_text(operation, "summary", builtin->summary);
	doc_put_text(operation, "description", builtin->description);
	if (builtin->open)
		doc_put(operation, "security", json_array());
	doc_put_text(success, "description", builtin->open ? "It serves." : "The document.");
	doc_put(success, "content", builtin->open ? health_content() : document_content());
	doc_put(responses, "200", success);
	failure_put_refs(responses, FAILURE_OF_PEER | (builtin->open ? 0 : FAILURE_OF_ACCESS));
	doc_put(operation, "responses", responses);
	return operation;
}
