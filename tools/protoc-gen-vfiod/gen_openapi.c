/* SPDX-License-Identifier: MIT */
/* The OpenAPI 3.1 document, as a value and as C. */
#include "tools/protoc-gen-vfiod/builtin.h"
#include "tools/protoc-gen-vfiod/failure.h"
#include "tools/protoc-gen-vfiod/gen.h"
#include "tools/protoc-gen-vfiod/operation.h"
#include "tools/protoc-gen-vfiod/output.h"
#include "tools/protoc-gen-vfiod/schema.h"

#include <ctype.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>

static bool has_http(const struct model *model, const struct service *service)
{
	for (size_t i = 0; i < model->method_count; i++)
		if (model->methods[i].service == service && model->methods[i].http)
			return true;
	return false;
}

/* The comments of the services that are reached over HTTP, in order. */
static const char *openapi_description(const struct model *model)
{
	const struct service *service;
	const char *text = "";

	STAILQ_FOREACH(service, &model->services, next)
	if (has_http(model, service))
		text = pool_printf(
			model->pool, "%s%s%s", text, *text ? "\n\n" : "", service->source.comment);
	return text;
}

static json_t *openapi_info(const struct model *model)
{
	json_t *object = json_object();

	doc_put_text(object, "title", "vfiod");
	doc_put_text(object, "version", model->version);
	doc_put_text(object, "description", openapi_description(model));
	doc_put(object, "contact", json_pack("{s:s}", "name", "The vfiod project"));
	doc_put(object, "license", json_pack("{s:s, s:s}", "name", "MIT", "identifier", "MIT"));
	return object;
}

static bool has_tag(const json_t *tags, const char *name)
{
	json_t *tag;
	size_t i;

	json_array_foreach(tags, i, tag)
	{
		if (!strcmp(json_string_value(json_object_get(tag, "name")), name))
			return true;
	}
	return false;
}

static void append_tag(json_t *tags, const char *name, const char *text, size_t len)
{
	json_t *tag = json_object();

	doc_put_text(tag, "name", name);
	if (len > 0)
		doc_put(tag, "description", json_stringn(text, len));
	doc_append(tags, tag);
}

/* A tag is described by the first paragraph of the service that uses it first. */
static json_t *openapi_tags(const struct model *model)
{
	json_t *array = json_array();

	for (size_t i = 0; i < model->method_count; i++) {
		const struct method *method = &model->methods[i];
		const char *comment = method->service->source.comment;
		const char *end = strstr(comment, "\n\n");

		if (method->http && !has_tag(array, method->operation->tag))
			append_tag(array, method->operation->tag, comment,
				end ? (size_t)(end - comment) : strlen(comment));
	}
	if (!has_tag(array, BUILTIN_TAG))
		append_tag(array, BUILTIN_TAG, BUILTIN_TAG_DESCRIPTION,
			strlen(BUILTIN_TAG_DESCRIPTION));
	return array;
}

static void put_operation(json_t *paths, const char *path, const char *verb, json_t *operation)
{
	json_t *item = json_object_get(paths, path);
	char key[16] = "";

	for (size_t i = 0; i < sizeof(key) - 1 && verb[i]; i++)
		key[i] = tolower((unsigned char)verb[i]);
	if (!item) {
		item = json_object();
		doc_put(paths, path, item);
	}
	doc_put(item, key, operation);
}

/* In the order of the .proto file, where operations that belong together stand together. */
static void put_service(
	json_t *paths_object, const struct model *model, const struct service *service)
{
	for (unsigned index = 0; index < service->proto->n_method; index++) {
		const struct method *method = model_method(model, service, index);

		if (method->http)
			put_operation(
				paths_object, method->path, method->verb, operation_new(method));
	}
}

static json_t *openapi_paths(const struct model *model)
{
	json_t *object = json_object();
	const struct service *service;

	STAILQ_FOREACH(service, &model->services, next)
	put_service(object, model, service);
	for (size_t i = 0; i < builtin_count; i++)
		if (builtins[i].id)
			put_operation(
				object, builtins[i].path, "GET", builtin_operation(&builtins[i]));
	return object;
}

static json_t *openapi_schemas(const struct model *model)
{
	json_t *object = json_object();
	struct type *type;

	doc_put(object, "Error", failure_schema(model));
	STAILQ_FOREACH(type, &model->types, next)
	if (type->in_request || type->in_answer)
		doc_put(object, type->schema, schema_type(model->pool, type));
	return object;
}

static json_t *security_schemes(void)
{
	return json_pack("{s:{s:s, s:s, s:s, s:s}, s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s, s:s}}",
		"apiKeyHeader", "type", "apiKey", "in", "header", "name", "X-Volant-API-Key",
		"description", "The API key.", "bearer", "type", "http", "scheme", "bearer",
		"description", "The API key as a bearer token.", "apiKeyQuery", "type", "apiKey",
		"in", "query", "name", "api_key", "description",
		"The API key in the query, for clients that can set no header. Proxies log it; the daemon can be told not to take it (--no-query-key).");
}

/* Any one of the schemes, or none when the daemon has no key configured. */
static json_t *openapi_security(void)
{
	return json_pack("[{s:[]}, {s:[]}, {s:[]}, {}]", "apiKeyHeader", "bearer", "apiKeyQuery");
}

static json_t *openapi_components(const struct model *model)
{
	json_t *object = json_object();

	doc_put(object, "securitySchemes", security_schemes());
	doc_put(object, "responses", failure_components(model));
	doc_put(object, "schemas", openapi_schemas(model));
	return object;
}

json_t *gen_openapi(const struct model *model)
{
	json_t *document = json_object();

	doc_put_text(document, "openapi", "3.1.0");
	doc_put(document, "info", openapi_info(model));
	doc_put(document, "servers",
		json_pack("[{s:s, s:s}]", "url", "/", "description",
			"The daemon that serves this document"));
	doc_put(document, "security", openapi_security());
	doc_put(document, "tags", openapi_tags(model));
	doc_put(document, "paths", openapi_paths(model));
	doc_put(document, "components", openapi_components(model));
	return document;
}

void gen_openapi_source(json_t *document, FILE *stream)
{
	char *text = json_dumps(document, JSON_COMPACT);

	if (!text)
		errx(EXIT_FAILURE, "the OpenAPI document cannot be written");
	fputs("/* SPDX-License-Identifier: MIT */\n"
	      "/* The OpenAPI document of proto/. Generated by protoc-gen-vfiod: do not edit. */\n"
	      "#include \"rest/route.h\"\n\n"
	      "const char rest_openapi[] =\n",
		stream);
	output_literal(stream, text, strlen(text));
	fputs(";\n\nconst size_t rest_openapi_size = sizeof(rest_openapi) - 1;\n", stream);
	free(text);
}
