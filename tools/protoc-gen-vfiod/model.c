/* SPDX-License-Identifier: MIT */
/* What the .proto files say, resolved. */
#include "tools/protoc-gen-vfiod/model.h"
#include "tools/protoc-gen-vfiod/method.h"
#include "tools/protoc-gen-vfiod/type.h"

#include <string.h>

struct type *model_type(const struct model *model, const char *name)
{
	struct type *type;

	if (*name == '.')
		name++;
	STAILQ_FOREACH(type, &model->types, next)
	if (!strcmp(type->name, name))
		return type;
	return NULL;
}

const struct method *model_method(
	const struct model *model, const struct service *service, unsigned index)
{
	for (size_t i = 0; i < model->method_count; i++)
		if (model->methods[i].service == service && model->methods[i].index == index)
			return &model->methods[i];
	return NULL;
}

const struct field *model_field(const struct type *type, const char *name)
{
	for (size_t i = 0; i < type->field_count; i++)
		if (!strcmp(type->fields[i].proto->name, name))
			return &type->fields[i];
	return NULL;
}

const struct field *model_response_body(const struct method *method)
{
	if (!*method->http->response_body)
		return NULL;
	return model_field(method->output, method->http->response_body);
}

bool model_has_body(const struct method *method)
{
	return *method->http->body;
}

static void parameter_load(
	struct model *model, struct report *report, const char *name, const char *value)
{
	if (!strcmp(name, "version") && value) {
		model->version = value;
	} else if (!strcmp(name, "detail") && value) {
		model->detail = model_type(model, value);
		if (!model->detail || !model->detail->message)
			report_add(report, "parameter detail names no message: %s", value);
	} else {
		report_add(report,
			"unknown parameter \"%s\": known are version=TEXT and detail=MESSAGE",
			name);
	}
}

/* "name=value,name=value" */
static void parameters_load(struct model *model, struct report *report, const char *text)
{
	char *rest = pool_copy(model->pool, text);
	char *item;

	while ((item = strsep(&rest, ","))) {
		char *value = strchr(item, '=');

		if (value)
			*value++ = '\0';
		if (*item)
			parameter_load(model, report, item, value);
	}
}

void model_load(struct model *model, struct pool *pool, const CodeGeneratorRequest *request,
	struct report *report)
{
	*model = (struct model){.pool = pool, .request = request, .version = "0"};
	type_load_all(model, report);
	method_load_all(model, report);
	parameters_load(model, report, request->parameter ? request->parameter : "");
}
