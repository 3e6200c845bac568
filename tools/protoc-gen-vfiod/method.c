/* SPDX-License-Identifier: MIT */
/* Fills the model's table of methods. */
#include "tools/protoc-gen-vfiod/method.h"
#include "tools/protoc-gen-vfiod/option.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Field numbers in descriptor.proto, as paths of source info name them. */
enum { FILE_SERVICE = 6, SERVICE_METHOD = 2 };

enum { API_HTTP = 72295728, RPC_OPERATION = 50001 };

/* protoc-gen-c's name of a service's descriptor: words of each part in lower case, joined by "_",
 * the parts by "__". */
static const char *descriptor_symbol(struct pool *pool, const char *name)
{
	char *symbol = pool_alloc(pool, 2 * strlen(name) + 1);
	bool was_upper = true;
	char *to = symbol;

	for (; *name; name++) {
		bool upper = isupper((unsigned char)*name);

		if (*name == '.') {
			to = stpcpy(to, "__");
			was_upper = true;
			continue;
		}
		if (upper && !was_upper)
			*to++ = '_';
		*to++ = tolower((unsigned char)*name);
		was_upper = upper;
	}
	return pool_printf(pool, "%s__descriptor", symbol);
}

static const char *header_name(struct pool *pool, const char *file)
{
	size_t len = strlen(file);

	if (len > 6 && !strcmp(file + len - 6, ".proto"))
		len -= 6;
	return pool_printf(pool, "%.*s.pb-c.h", (int)len, file);
}

static void method_set_route(struct method *method)
{
	const Google__Api__HttpRule *http = method->http;

	switch (http->pattern_case) {
	case GOOGLE__API__HTTP_RULE__PATTERN_GET:
		method->verb = "GET";
		method->path = http->get;
		break;
	case GOOGLE__API__HTTP_RULE__PATTERN_PUT:
		method->verb = "PUT";
		method->path = http->put;
		break;
	case GOOGLE__API__HTTP_RULE__PATTERN_POST:
		method->verb = "POST";
		method->path = http->post;
		break;
	case GOOGLE__API__HTTP_RULE__PATTERN_DELETE:
		method->verb = "DELETE";
		method->path = http->delete_;
		break;
	case GOOGLE__API__HTTP_RULE__PATTERN_PATCH:
		method->verb = "PATCH";
		method->path = http->patch;
		break;
	default:
		break;
	}
}

static void method_load_options(struct model *model, struct report *report, struct method *method)
{
	const Google__Protobuf__MethodOptions *options = method->proto->options;

	method->changes =
		!options ||
		options->idempotency_level !=
			GOOGLE__PROTOBUF__METHOD_OPTIONS__IDEMPOTENCY_LEVEL__NO_SIDE_EFFECTS;
	method->http = option_message(model->pool, report, &method->source,
		(const ProtobufCMessage *)options, API_HTTP, &google__api__http_rule__descriptor);
	method->operation = option_message(model->pool, report, &method->source,
		(const ProtobufCMessage *)options, RPC_OPERATION, &rpc__v1__operation__descriptor);
	if (method->http)
		method_set_route(method);
}

static void methods_load(struct model *model, struct report *report, const FileProto *file,
	const struct service *service, const struct source_path *service_path)
{
	for (size_t i = 0; i < service->proto->n_method; i++) {
		struct method *method = &model->methods[model->method_count++];
		struct source_path path = {service_path, SERVICE_METHOD, i};

		method->proto = service->proto->method[i];
		method->name =
			pool_printf(model->pool, "%s/%s", service->name, method->proto->name);
		method->source = source_find(model->pool, file, &path);
		method->service = service;
		method->index = i;
		method->input = model_type(model, method->proto->input_type);
		method->output = model_type(model, method->proto->output_type);
		if (!method->input || !method->output)
			report_at(report, &method->source, "the types of %s are not in the request",
				method->name);
		method_load_options(model, report, method);
	}
}

static void services_load(struct model *model, struct report *report, const FileProto *file)
{
	const char *package = file->package ? file->package : "";

	for (size_t i = 0; i < file->n_service; i++) {
		struct service *service = pool_alloc(model->pool, sizeof(*service));
		struct source_path path = {NULL, FILE_SERVICE, i};

		service->proto = file->service[i];
		service->name = pool_printf(
			model->pool, "%s%s%s", package, *package ? "." : "", service->proto->name);
		service->header = header_name(model->pool, file->name);
		service->descriptor = descriptor_symbol(model->pool, service->name);
		service->source = source_find(model->pool, file, &path);
		STAILQ_INSERT_TAIL(&model->services, service, next);
		methods_load(model, report, file, service, &path);
	}
}

static bool is_generated(const CodeGeneratorRequest *request, const FileProto *file)
{
	for (size_t i = 0; i < request->n_file_to_generate; i++)
		if (!strcmp(request->file_to_generate[i], file->name))
			return true;
	return false;
}

static size_t count_methods(const CodeGeneratorRequest *request)
{
	size_t count = 0;

	for (size_t i = 0; i < request->n_proto_file; i++)
		for (size_t j = 0; j < request->proto_file[i]->n_service; j++)
			count += request->proto_file[i]->service[j]->n_method;
	return count;
}

static int compare_methods(const void *a, const void *b)
{
	return strcmp(((const struct method *)a)->name, ((const struct method *)b)->name);
}

void method_load_all(struct model *model, struct report *report)
{
	const CodeGeneratorRequest *request = model->request;

	STAILQ_INIT(&model->services);
	model->methods = pool_array(model->pool, count_methods(request), sizeof(*model->methods));
	for (size_t i = 0; i < request->n_proto_file; i++)
		if (is_generated(request, request->proto_file[i]))
			services_load(model, report, request->proto_file[i]);
	qsort(model->methods, model->method_count, sizeof(*model->methods), compare_methods);
}
